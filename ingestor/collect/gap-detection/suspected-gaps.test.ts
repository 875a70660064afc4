import { describe, expect, it } from "vitest";
import type { Ticker } from "../../../protocol/events.ts";
import { REORDER_WINDOW } from "../../event-time.ts";
import type { ParsedEvent } from "../../exchanges/exchange.ts";
import { judgeById, judgeByTime, type SuspectedGap, SuspectedGaps } from "./suspected-gaps.ts";

const TICKER: Omit<Ticker, "time"> = {
  ...{ price: "1", size: null, side: null, open: null, high: null, low: null, prevClose: null, change: null },
  ...{ changePct: null, window: "24h", baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null, status: null },
};
const [A, B] = ["upbit:A-KRW", "upbit:B-KRW"];

describe("suspected gaps", () => {
  it("last from the earliest time that anybody had one, for the reason there was first", () => {
    const suspects = new SuspectedGaps();
    suspects.add("exchange_disconnect", A, 2000);
    suspects.add("collector_restart", A, 3000);
    expect(suspects.get(A)).toEqual({ cause: "exchange_disconnect", since: 2000 });
    suspects.add("collector_restart", A, 1000);
    expect(suspects.get(A)).toEqual({ cause: "exchange_disconnect", since: 1000 });
    expect([suspects.get(B), suspects.size]).toEqual([undefined, 1]);
  });

  it("end one by one, with their market, or all at once", () => {
    const suspects = new SuspectedGaps();
    for (const instrument of [A, B, "upbit:C-KRW"]) suspects.add("not_collected", instrument, 1);
    suspects.clear(A);
    suspects.clear(A);
    suspects.keepOnly(new Set([A, B]));
    expect(suspects.takeAll()).toEqual([[B, { cause: "not_collected", since: 1 }]]);
    expect([suspects.size, suspects.takeAll(), suspects.get(B)]).toEqual([0, [], undefined]);
  });
});

describe("a ticker's time", () => {
  const SUSPECTED: SuspectedGap = { cause: "exchange_disconnect", since: 10_000 };
  const event = (type: ParsedEvent["type"], time: number, snapshot: boolean): ParsedEvent =>
    type === "trade"
      ? { type, instrument: A, id: "1", price: "1", size: "1", side: "buy", time, received: 1, snapshot }
      : { type, instrument: A, received: 1, ...TICKER, time };
  const sure = SUSPECTED.since - REORDER_WINDOW;

  it("proves that nothing was traded when it is well before what we rely on", () => {
    expect(judgeByTime(event("ticker", sure - 1, false), SUSPECTED)).toBe("complete");
    expect(judgeByTime(event("trade", sure - 1, true), SUSPECTED)).toBe("complete");
  });

  it("proves nothing from there on: frames of one moment come in no strict order", () => {
    for (const time of [sure, SUSPECTED.since, SUSPECTED.since + 1]) {
      expect(judgeByTime(event("ticker", time, false), SUSPECTED)).toBe("missed");
      expect(judgeByTime(event("trade", time, true), SUSPECTED)).toBe("missed");
    }
  });

  it("is not that of a new trade, however old: others may have come before it", () => {
    expect(judgeByTime(event("trade", sure - 1, false), SUSPECTED)).toBe("missed");
  });
});

describe("an id", () => {
  it.each([
    // kind, told, last, verdict
    ["trade", "11", "10", "complete"],
    ["trade", "12", "10", "missed"],
    ["trade", "10", "10", undefined],
    ["trade", "9", "10", undefined],
    ["trade", "100", "99", "complete"],
    ["ticker", "10", "10", "complete"],
    ["ticker", "11", "10", "missed"],
    ["ticker", "9", "10", undefined],
    ["trade", "10", null, "missed"],
    ["ticker", "10", null, "missed"],
  ] as const)("of a %s, %s after %s: %s", (kind, told, last, verdict) => {
    expect(judgeById(kind, told, last)).toBe(verdict);
  });
});

import { describe, expect, it } from "vitest";
import type { Ticker } from "../../protocol/events.ts";
import type { ParsedEvent } from "../exchanges/exchange.ts";
import { type Doubt, Doubts, judgeById, judgeByTime, OVERLAP } from "./doubts.ts";

const TICKER: Omit<Ticker, "time"> = {
  ...{ price: "1", size: null, side: null, open: null, high: null, low: null, prevClose: null, change: null },
  ...{ changePct: null, window: "24h", baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null, status: null },
};
const [A, B] = ["upbit:A-KRW", "upbit:B-KRW"];

describe("doubts", () => {
  it("last from the earliest time that anybody had one, for the reason there was first", () => {
    const doubts = new Doubts();
    doubts.add("exchange_disconnect", A, 2000);
    doubts.add("collector_restart", A, 3000);
    expect(doubts.get(A)).toEqual({ cause: "exchange_disconnect", since: 2000 });
    doubts.add("collector_restart", A, 1000);
    expect(doubts.get(A)).toEqual({ cause: "exchange_disconnect", since: 1000 });
    expect([doubts.get(B), doubts.size]).toEqual([undefined, 1]);
  });

  it("end one by one, with their market, or all at once", () => {
    const doubts = new Doubts();
    for (const instrument of [A, B, "upbit:C-KRW"]) doubts.add("not_collected", instrument, 1);
    doubts.clear(A);
    doubts.clear(A);
    doubts.keepOnly(new Set([A, B]));
    expect(doubts.takeAll()).toEqual([[B, { cause: "not_collected", since: 1 }]]);
    expect([doubts.size, doubts.takeAll(), doubts.get(B)]).toEqual([0, [], undefined]);
  });
});

describe("a ticker's time", () => {
  const DOUBT: Doubt = { cause: "exchange_disconnect", since: 10_000 };
  const event = (type: ParsedEvent["type"], time: number, snapshot: boolean): ParsedEvent =>
    type === "trade"
      ? { type, instrument: A, id: "1", price: "1", size: "1", side: "buy", time, received: 1, snapshot }
      : { type, instrument: A, received: 1, ...TICKER, time };
  const sure = DOUBT.since - OVERLAP;

  it("proves that nothing was traded when it is well before what we rely on", () => {
    expect(judgeByTime(event("ticker", sure - 1, false), DOUBT)).toBe("complete");
    expect(judgeByTime(event("trade", sure - 1, true), DOUBT)).toBe("complete");
  });

  it("proves nothing from there on: frames of one moment come in no strict order", () => {
    for (const time of [sure, DOUBT.since, DOUBT.since + 1]) {
      expect(judgeByTime(event("ticker", time, false), DOUBT)).toBe("missed");
      expect(judgeByTime(event("trade", time, true), DOUBT)).toBe("missed");
    }
  });

  it("is not that of a new trade, however old: others may have come before it", () => {
    expect(judgeByTime(event("trade", sure - 1, false), DOUBT)).toBe("missed");
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

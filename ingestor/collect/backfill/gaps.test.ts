import { describe, expect, it } from "vitest";
import { type GapEvent, type MarketEvent, marketEvent, type TradeEvent } from "../../../protocol/events.ts";
import type { Tail } from "../../log/log.ts";
import { abandonedGaps, gapEvent, type OpenGap } from "./gaps.ts";

const [A, B] = ["upbit:A-KRW", "upbit:B-KRW"];
const GAP: OpenGap = { instrument: A, cause: "exchange_disconnect", since: 1000, until: 2000 };

const gap = (state: GapEvent["state"], fields: Partial<OpenGap> = {}) => gapEvent({ ...GAP, ...fields }, state);
const tail = (...events: MarketEvent[]): Tail => ({ events, completeFrom: 0, completeUntil: null });

describe("a gap's event", () => {
  it("says what is missing and what became of it, as the log's readers expect it", () => {
    const event = gapEvent(GAP, "open");
    expect(event).toEqual({ type: "gap", ...GAP, received: null, state: "open" });
    expect(marketEvent.parse(event)).toEqual(event);
  });

  it("is lost for that part only that could not be fetched", () => {
    expect(gapEvent(GAP, "lost", { until: 1500 })).toMatchObject({ state: "lost", since: 1000, until: 1500 });
  });
});

describe("the gaps that a dead collector left", () => {
  it("are those that it did not close, in whatever way", () => {
    const closed = [gap("open"), gap("healed"), gap("open", { since: 3 }), gap("lost", { since: 3, until: 4 })];
    expect(abandonedGaps([tail(...closed, gap("open", { since: 5 }))])).toEqual([{ ...GAP, since: 5 }]);
  });

  it("are as long as they had grown", () => {
    expect(abandonedGaps([tail(gap("open"), gap("open", { until: 9000 }))])).toEqual([{ ...GAP, until: 9000 }]);
  });

  it("may have begun anew when an earlier one had been closed", () => {
    expect(abandonedGaps([tail(gap("open"), gap("lost"), gap("open"))])).toEqual([GAP]);
  });

  it("are looked for in every partition, and instrument by instrument", () => {
    const other: OpenGap = { ...GAP, instrument: B, cause: "collector_restart" };
    const found = abandonedGaps([
      tail(gap("open")),
      tail(),
      tail(gapEvent(other, "open"), gap("healed", { since: 7 })),
    ]);
    expect(found).toEqual([GAP, other]);
  });

  it("are no other event's affair", () => {
    const trade: TradeEvent = {
      ...{ type: "trade", instrument: A, id: "1", price: "1", size: "1", side: "buy" },
      ...{ time: 1000, received: 1, snapshot: false },
    };
    // Closed before the tail begins.
    expect(abandonedGaps([tail(trade, gap("healed"), trade)])).toEqual([]);
  });
});

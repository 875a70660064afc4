import { describe, expect, it } from "vitest";
import type { TickerEvent } from "../../../protocol/events.ts";
import { gapEvent, INSTRUMENT, tickerEvent } from "../test-events.ts";
import { AnnouncedGaps } from "./announced-gaps.ts";
import { Differences } from "./differences.ts";
import { TickerComparison } from "./ticker-comparison.ts";
import { Window } from "./window.ts";

class Case {
  readonly differences = new Differences();
  readonly gaps = new AnnouncedGaps();
  readonly tickers: TickerComparison;
  #seq = 0;

  constructor() {
    const { differences, gaps } = this;
    this.tickers = new TickerComparison({ window: new Window(500, 10_000), differences, gaps });
  }

  raw(fields: Partial<TickerEvent> = {}, connection: string | null = "a"): this {
    this.tickers.raw(tickerEvent(fields), connection, 0);
    return this;
  }

  log(fields: Partial<TickerEvent> = {}, counts = true): this {
    this.#seq += 1;
    this.tickers.log(tickerEvent(fields), { partition: 0, seq: this.#seq }, counts, 0);
    return this;
  }

  get found(): string[] {
    this.tickers.settle(Number.POSITIVE_INFINITY);
    const { counts, excused } = this.differences;
    return [...counts, ...excused].map(([what, count]) => `${count} ${what}`);
  }
}

const next = { price: "101", received: 1011 };

it("equal are the same tickers in the same order, whichever side comes first", () => {
  expect(new Case().raw().raw(next).log().log(next).found).toEqual([]);
  expect(new Case().log().raw().log(next).raw(next).found).toEqual([]);
  const { tickers } = new Case().raw().raw().raw({ received: 10_000 }).log();
  expect(tickers.counts).toEqual({ raw: 2, log: 1 });
});

describe("different is", () => {
  it("a ticker that only one side has, or has once more", () => {
    expect(new Case().raw().log().raw(next).found).toEqual(["1 ticker not in the log"]);
    expect(new Case().raw().raw().log().found).toEqual(["1 ticker not in the log"]);
    expect(new Case().raw().log().log().found).toEqual(["1 ticker not in raw"]);
  });

  it("one of which fields are others, named with both values", () => {
    const one = new Case().raw({ price: "101", bid: "1" }).log();
    expect(one.found).toEqual(["1 ticker fields differ"]);
    expect(one.differences.shown).toMatchObject([
      {
        instrument: INSTRUMENT,
        received: 1010,
        fields: { price: { log: "100", raw: "101" }, bid: { log: null, raw: "1" } },
      },
    ]);
  });

  it("another order", () => {
    expect(new Case().raw().raw(next).log(next).log().found).toEqual(["1 ticker out of order"]);
  });
});

describe("nothing is said of", () => {
  it("what was received outside the window", () => {
    expect(new Case().raw({ received: 499 }).log({ received: 10_000 }).found).toEqual([]);
  });

  it("what the log has from another connection of the same moment", () => {
    const excuse = ["1 in the log from another connection"];
    expect(new Case().raw().raw({ received: 1500 }, "b").log().found).toEqual(excuse);
    expect(new Case().raw().raw({ received: 1500 }, "b").log({ received: 1500 }).found).toEqual(excuse);
    const later = new Case().raw().raw({ received: 6011 }, "b").log();
    expect(later.found).toEqual(["1 ticker not in the log"]);
    expect(new Case().raw().raw({ received: 1500 }, "b").found).toEqual(["2 ticker not in the log"]);
  });

  it("what a replaced collector wrote, and of what was received while none collected", () => {
    expect(new Case().log({}, false).found).toEqual([]);
    expect(new Case().raw().log({}, false).found).toEqual(["1 written by a collector that had been replaced"]);
    expect(new Case().log({}, false).raw().found).toEqual([]);
    const restart = new Case().raw();
    restart.gaps.take(gapEvent({ cause: "collector_restart", state: "healed" }));
    expect(restart.found).toEqual(["1 missing as a gap in the log says"]);
  });
});

it("waits a minute of log time for the other side", () => {
  const { tickers, differences } = new Case().raw();
  tickers.settle(60_000);
  expect(differences.total).toBe(0);
  tickers.settle(60_001);
  expect(differences.total).toBe(1);
});

import { describe, expect, it } from "vitest";
import type { TradeEvent } from "../../../protocol/events.ts";
import { gapEvent, INSTRUMENT, tradeEvent } from "../test-events.ts";
import { AnnouncedGaps } from "./announced-gaps.ts";
import { Differences } from "./differences.ts";
import { TradeComparison } from "./trade-comparison.ts";
import { Window } from "./window.ts";

const place = { partition: 0, seq: 7 };

class Case {
  readonly differences = new Differences();
  readonly gaps = new AnnouncedGaps();
  readonly trades: TradeComparison;

  constructor(sameIds = true) {
    const { differences, gaps } = this;
    this.trades = new TradeComparison({ window: new Window(500, 10_000), differences, gaps, sameIds });
    this.trades.begun(INSTRUMENT, 0);
  }

  raw(...trades: Partial<TradeEvent>[]): this {
    for (const trade of trades) this.trades.raw(tradeEvent(trade), 0);
    return this;
  }

  log(...trades: Partial<TradeEvent>[]): this {
    for (const trade of trades) this.trades.log(tradeEvent(trade), place, 0);
    return this;
  }

  /** What is found in the end: kinds of differences and excuses. */
  get found(): string[] {
    this.trades.settle(Number.POSITIVE_INFINITY);
    const { counts, excused } = this.differences;
    return [...counts, ...excused].map(([what, count]) => `${count} ${what}`);
  }
}

const fetched = { late: true, received: 3000 } as const;
const snapshot = { snapshot: true, received: 3000 } as const;

describe("equal is", () => {
  it("a trade on both sides, whichever comes first", () => {
    expect(new Case().raw({}).log({}).found).toEqual([]);
    expect(new Case().log({}).raw({}).found).toEqual([]);
  });

  it("one that raw repeats, live, as a snapshot or from the history", () => {
    const repeats = new Case().raw({}, { received: 2000 }, snapshot, fetched).log({}).raw(snapshot, fetched);
    expect(repeats.found).toEqual([]);
    expect(repeats.trades.counts).toEqual({ raw: 1, log: 1 });
  });

  it("whichever of its repeats the log took, a snapshot as late", () => {
    expect(new Case().raw({}, snapshot).log({ ...snapshot, late: true }).found).toEqual([]);
    expect(new Case().raw({}, fetched).log({ ...fetched, received: 3001 }).found).toEqual([]);
    expect(new Case().log({ received: 2000 }).raw({}, { received: 2000 }).found).toEqual([]);
  });
});

describe("different is", () => {
  it("a trade that only one side has", () => {
    expect(new Case().raw({}).found).toEqual(["1 trade not in the log"]);
    expect(new Case().raw(fetched).found).toEqual(["1 trade not in the log"]);
    expect(new Case().log({}).found).toEqual(["1 trade not in raw"]);
  });

  it("a trade of which a field is another, named with both values", () => {
    const { differences, found } = run(new Case().raw({ price: "101" }, snapshot).log({ price: "99", received: 1010 }));
    expect(found).toEqual(["1 trade fields differ"]);
    expect(differences.shown).toEqual([
      {
        ...{ difference: "fields differ", type: "trade", instrument: INSTRUMENT, id: "1", received: 1010, place },
        fields: { price: { log: "99", raw: "101" } },
      },
    ]);
  });

  it("a snapshot that the log does not call late, and another time of receipt", () => {
    expect(new Case().raw(snapshot).log(snapshot).found).toEqual(["1 trade fields differ"]);
    expect(new Case().raw({}).log({ received: 1011 }).found).toEqual(["1 trade fields differ"]);
  });

  it("a trade that the log has twice", () => {
    expect(new Case().raw({}).log({}, {}).found).toEqual(["1 trade twice in the log"]);
    expect(new Case().log({}, {}).raw({}).found).toEqual(["1 trade twice in the log"]);
  });
});

describe("nothing is said of", () => {
  it("what neither side received in the window", () => {
    expect(new Case().raw({ received: 10_000 }).found).toEqual([]);
    expect(new Case().log({ received: 499 }).found).toEqual([]);
    expect(new Case().raw({ received: 10_000, price: "3" }).log({ received: 499 }).found).toEqual([]);
  });

  it("repeats of what was executed before the window, or before the log knew the instrument", () => {
    const excuse = ["1 executed before the window"];
    expect(new Case().raw({ ...snapshot, time: 499 }).found).toEqual(excuse);
    expect(new Case().raw({ ...fetched, time: 999 }).found).toEqual(excuse);
    expect(new Case().raw({ ...fetched, time: 1000 }).found).toEqual(["1 trade not in the log"]);
  });

  it("what the log itself says is missing", () => {
    const missing = new Case();
    missing.gaps.take(gapEvent({ state: "lost" }));
    expect(missing.raw({}).found).toEqual(["1 missing as a gap in the log says"]);
    const healed = new Case();
    healed.gaps.take(gapEvent({ state: "healed" }));
    expect(healed.raw({}).found).toEqual(["1 trade not in the log"]);
  });
});

describe("where the history has ids of its own", () => {
  const told = { ...fetched, id: "h1" };

  it("a trade told by both stands in the log once, under either id", () => {
    const excuse = ["1 told by the trade history under another id"];
    expect(new Case(false).raw({}, told).log({}).found).toEqual(excuse);
    expect(new Case(false).raw({}, told).log(told).found).toEqual(excuse);
  });

  it("but as often as it was told", () => {
    const equals = [told, { ...told, id: "h2" }];
    expect(new Case(false).raw({}, ...equals).log({}, told).found).toEqual([
      "1 told by the trade history under another id",
    ]);
    expect(new Case(false).raw({}, ...equals).log({}).found).toEqual(["2 trade not in the log"]);
  });

  it("elsewhere another id is another trade", () => {
    expect(new Case().raw({}, told).log({}).found).toEqual(["1 trade not in the log"]);
  });
});

it("waits for the other side while a stretch is fetched, and no longer", () => {
  const { trades, differences } = new Case().raw({});
  trades.settle(15 * 60_000);
  expect(differences.total).toBe(0);
  trades.settle(15 * 60_000 + 1);
  expect(differences.total).toBe(1);
  trades.log(tradeEvent(), place, 16 * 60_000);
  trades.raw(tradeEvent(), 16 * 60_000);
  trades.settle(Number.POSITIVE_INFINITY);
  expect(differences.total).toBe(1);
});

function run(one: Case) {
  return { found: one.found, differences: one.differences };
}

import { expect, test } from "vitest";
import { MarketEngine } from "../engine.ts";
import { TradeIds } from "./ids.ts";

let now = 1_788_335_180_377;

/** The ids of a run's trades in one market, from its first on; its clock stands still. */
function run(trades: number): { trades: number[]; aggregates: number[] } {
  const engine = new MarketEngine({ now: () => now });
  const ids = new TradeIds(engine.opened);
  for (let made = 0; made < trades; made += 1) engine.execute("KRW-BTC");
  const ordinals = engine.log.history("KRW-BTC", trades + 1).map(({ ordinal }) => ordinal);
  ordinals.reverse();
  return { trades: ordinals.map((n) => ids.trade(n)), aggregates: ordinals.map((n) => ids.aggregate(n)) };
}

test("ids are consecutive within a run, exact as numbers, and no later run repeats one", () => {
  const first = run(900);
  now += 1;
  const again = run(900);
  for (const space of ["trades", "aggregates"] as const) {
    const [one, two] = [first[space], again[space]];
    expect(one).toEqual(Array.from({ length: 901 }, (_, at) => (one[0] ?? 0) + at));
    expect(Math.min(...two)).toBeGreaterThan(Math.max(...one));
    expect(Math.max(...two)).toBeLessThan(Number.MAX_SAFE_INTEGER);
  }
});

test("an id says which trade it is, in either space", () => {
  const ids = new TradeIds(now);
  expect(ids.ordinalOfTrade(ids.trade(17))).toBe(17);
  expect(ids.ordinalOfAggregate(ids.aggregate(17))).toBe(17);
  expect(ids.aggregate(17)).not.toBe(ids.trade(17));
  expect(ids.ordinalOfTrade(5)).toBeLessThan(1);
});

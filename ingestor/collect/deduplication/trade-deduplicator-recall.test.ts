/** What stands before the tails and is learnt while trades come in: it must make no difference when. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TradeEvent } from "../../../protocol/events.ts";
import { BTC, ETH, HELD_LIMIT, ids, LIMIT, series, trade, unread } from "../testing/logged-trades.ts";
import { TradeDeduplicator } from "./trade-deduplicator.ts";

describe("an earlier tail", () => {
  it("makes known what was traded before, beside what has come since", async () => {
    const deduplicator = new TradeDeduplicator([unread(50_000, trade("5", 50_000))], () => 0);
    deduplicator.hold(BTC);
    expect(deduplicator.admit(trade("6", 60_000))).toBe(true);
    expect([
      deduplicator.isUnread(BTC, 200),
      deduplicator.isUnread(BTC, 54_999),
      deduplicator.isUnread(BTC, 55_001),
    ]).toEqual([true, true, false]);
    await deduplicator.recall(0, { events: [trade("1", 1000), trade("2", 2000)], completeFrom: 500 });
    expect([deduplicator.isUnread(BTC, 200), deduplicator.completeFrom(BTC), deduplicator.completeFrom(ETH)]).toEqual([
      false,
      500,
      500,
    ]);
    const told = [trade("0", 499), trade("1", 1000), trade("missed", 1500), trade("5", 50_000), trade("6", 60_000)];
    expect(ids(deduplicator.admitFetched(BTC, told))).toEqual(["missed"]);
    expect([deduplicator.has(trade("2", 2000)), deduplicator.newest(BTC, 5000)?.id, deduplicator.count(BTC)]).toEqual([
      true,
      "2",
      5,
    ]);
  });

  it("is that of one partition alone", async () => {
    const partitionOf = (instrument: string) => (instrument === BTC ? 0 : 1);
    const deduplicator = new TradeDeduplicator([unread(5000), unread(6000)], partitionOf);
    await deduplicator.recall(0, { events: [trade("1", 1000)], completeFrom: 500 });
    expect([deduplicator.completeFrom(BTC), deduplicator.completeFrom(ETH)]).toEqual([500, 6000]);
    expect([deduplicator.isUnread(BTC, 700), deduplicator.isUnread(ETH, 700)]).toEqual([false, true]);
  });

  it("says nothing of an instrument that could not remember everything since", async () => {
    const deduplicator = new TradeDeduplicator([unread(5000)], () => 0);
    deduplicator.hold(BTC);
    for (const one of series(6000, 6001 + HELD_LIMIT)) deduplicator.admit(one);
    expect(deduplicator.completeFrom(BTC)).toBe(6001);
    await deduplicator.recall(0, { events: [trade("1", 1000)], completeFrom: 500 });
    expect(deduplicator.completeFrom(BTC)).toBeGreaterThanOrEqual(6001);
    expect(deduplicator.admitFetched(BTC, [trade("1", 1000), trade("missed", 1500)])).toEqual([]);
  });

  it("is known of some from a later time on", async () => {
    const deduplicator = new TradeDeduplicator([unread(50_000)], () => 0);
    const eth = (id: string, time: number) => trade(id, time, { instrument: ETH });
    for (const instrument of [BTC, ETH]) deduplicator.hold(instrument);
    const completeFor = new Map([[ETH, 1500]]);
    await deduplicator.recall(0, { events: [trade("1", 1000), eth("2", 2000)], completeFrom: 500, completeFor });
    expect([deduplicator.completeFrom(BTC), deduplicator.completeFrom(ETH)]).toEqual([500, 1500]);
    expect(ids(deduplicator.admitFetched(ETH, [eth("1", 1000), eth("2", 2000), eth("3", 3000)]))).toEqual(["3"]);
  });

  it("makes nothing known where nothing could be read", async () => {
    const deduplicator = new TradeDeduplicator([unread(5000, trade("5", 5000))], () => 0);
    await deduplicator.recall(0, { events: [], completeFrom: Number.POSITIVE_INFINITY });
    expect([deduplicator.completeFrom(BTC), deduplicator.completeFrom(ETH), deduplicator.isUnread(BTC, 1)]).toEqual([
      5000,
      5000,
      false,
    ]);
  });

  it("is remembered no further than usual of an instrument that lacks nothing", async () => {
    const deduplicator = new TradeDeduplicator([unread(10_000)], () => 0);
    deduplicator.admit(trade("x", 20_000));
    expect(deduplicator.count(BTC)).toBe(1);
    await deduplicator.recall(0, { events: series(0, 3 * LIMIT), completeFrom: 0 });
    expect([deduplicator.count(BTC), deduplicator.completeFrom(BTC)]).toEqual([LIMIT, 2 * LIMIT + 1]);
  });

  it("is taken in while trades go on", async () => {
    const deduplicator = new TradeDeduplicator([unread(10_000)], () => 0);
    for (const instrument of [BTC, ETH]) deduplicator.hold(instrument);
    const recalled = deduplicator.recall(0, { events: series(0, 5000), completeFrom: 0 });
    let done = false;
    void recalled.then(() => {
      done = true;
    });
    const live: TradeEvent[] = [];
    while (!done) {
      for (const instrument of [BTC, ETH]) live.push(trade(`l${live.length}`, 20_000 + live.length, { instrument }));
      expect(live.slice(-2).map((one) => deduplicator.admit(one))).toEqual([true, true]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(live.length).toBeGreaterThan(10);
    for (const instrument of [BTC, ETH]) {
      const mine = [...series(0, 5000), ...live].filter((one) => one.instrument === instrument);
      expect(deduplicator.admitFetched(instrument, mine)).toEqual([]);
    }
  });

  it("tells trades that are alike together with those that came since", async () => {
    const deduplicator = new TradeDeduplicator([unread(5000, trade("h9", 1000, { late: true }))], () => 0, false);
    deduplicator.hold(BTC);
    await deduplicator.recall(0, { events: [trade("s1", 1000)], completeFrom: 500 });
    expect(ids(deduplicator.admitFetched(BTC, [trade("h8", 1000), trade("h9", 1000), trade("h10", 1000)]))).toEqual([
      "h10",
    ]);
  });
});

/** What a log holds of an instrument, split where the tail begins and where live trades do, and when the rest is learnt. */
interface Story {
  readonly earlier: readonly TradeEvent[];
  readonly tail: readonly TradeEvent[];
  readonly live: readonly TradeEvent[];
  readonly learntAfter: number;
  /** What the history tells in the end. */
  readonly told: readonly TradeEvent[];
}

interface Step {
  readonly ms: number;
  readonly late: boolean;
  readonly isTold: boolean;
  readonly price: string;
}

const step = fc.record({
  ms: fc.integer({ min: 0, max: 2 }),
  late: fc.boolean(),
  isTold: fc.boolean(),
  price: fc.constantFrom("1", "2"),
});
const steps = (minLength: number) => fc.array(step, { minLength, maxLength: 12 });

/** @param idOf the id of the n-th trade of the log. @param pace ms of a step */
function stories(idOf: (n: number) => string, pace: number): fc.Arbitrary<Story> {
  return fc
    .tuple(
      steps(0),
      steps(1),
      steps(0),
      fc.nat(12),
      fc.array(fc.nat(40), { maxLength: 10 }),
      fc.infiniteStream(fc.nat()),
    )
    .map(([a, b, c, learntAfter, missed, order]) => {
      let [n, time] = [0, 100_000];
      const tell = (part: readonly Step[], isLive: boolean) => {
        time += 1 + pace;
        return part.map(({ ms, late, price }) => {
          time += pace + ms;
          n += 1;
          return trade(idOf(n), time, { price, ...(late && !isLive ? { late } : {}) });
        });
      };
      const [earlier, tail, live] = [tell(a, false), tell(b, false), tell(c, true)];
      const all = [...earlier, ...tail, ...live].filter((_, i) => [...a, ...b, ...c][i]?.isTold);
      // Some of them are alike to those that are known.
      const more = missed.map((at, i) => trade(`m${i}`, 100_000 + (at * (time - 100_000)) / 40, { price: "1" }));
      const told = [...all, ...more].map((one) => [order.next().value ?? 0, one] as const);
      const shuffled = told.sort(([x], [y]) => x - y).map(([, one]) => one);
      return { earlier, tail, live, learntAfter, told: shuffled };
    });
}

describe("when an earlier tail is learnt", () => {
  it.each([
    ["ids that differ", stories((n) => `${n}`, 0), true],
    ["ids that begin anew", stories((n) => `${1 + (n % 20)}`, 100), true],
    ["ids of their own in the history", stories((n) => `s${n}`, 0), false],
  ])("makes no difference to what is told missing: %s", async (_, story, sameIds) => {
    await fc.assert(
      fc.asyncProperty(story, async ({ earlier, tail, live, learntAfter, told }) => {
        const whole = { events: [...earlier, ...tail], completeFrom: 0, completeUntil: null };
        const atOnce = new TradeDeduplicator([whole], () => 0, sameIds);
        const later = new TradeDeduplicator([unread(tail[0]?.time ?? 0, ...tail)], () => 0, sameIds);
        for (const deduplicator of [atOnce, later]) deduplicator.hold(BTC);
        for (const [i, one] of live.entries()) {
          if (i === learntAfter) await later.recall(0, { events: earlier, completeFrom: 0 });
          expect(later.admit(one)).toBe(atOnce.admit(one));
        }
        if (learntAfter >= live.length) await later.recall(0, { events: earlier, completeFrom: 0 });
        expect(later.completeFrom(BTC)).toBe(0);
        expect(ids(later.admitFetched(BTC, told))).toEqual(ids(atOnce.admitFetched(BTC, told)));
        expect(later.newest(BTC)).toEqual(atOnce.newest(BTC));
      }),
      { numRuns: 500 },
    );
  });
});

/** What a feed makes of another log: what its listeners are told, and what it remembers of the one before. */

import { describe, expect, it } from "vitest";
import { context, decoded, ticker, trade } from "../testing/test-events.ts";
import { TestFeedCore } from "../testing/test-feed-core.ts";
import { withSql } from "../testing/with-sql.ts";

const CHANGED = { kind: "changed" };
const APPLIED = { kind: "applied" };

it("goes on with a snapshot in a new epoch, and a gap after it on trade", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(5), ticker(6)]);
    expect(feed.receive("e2", 0, [trade(2), ticker(3)])).toEqual(CHANGED);
    const log = feed.receiver("trade@100ms");
    expect([log.trades, log.gaps, log.last]).toEqual([["e1/5", "e2/2"], ["e2/1"], 2]);
    expect(feed.receiver("ticker@raw").tickers).toEqual(["e1/6", "e2/3"]);
    expect(feed.core.storedSeq).toBe(3);
  });
});

describe("of a log without an event of this instrument yet", () => {
  it("tells its listeners at once, at the markers' own offsets", async () => {
    await withSql((sql) => {
      const feed = new TestFeedCore(sql);
      feed.receive("e1", 0, [trade(5), ticker(6)]);
      expect(feed.receive("e2", 0, [], { through: 40 })).toEqual(CHANGED);
      const log = feed.receiver("trade@100ms");
      expect([log.epoch, log.gaps, log.last]).toEqual(["e2", ["e2/1"], 1]);
      expect([feed.core.epoch, feed.core.storedSeq, feed.core.through]).toEqual(["e2", 1, 40]);
      expect([0, 1, 2, 40].map((seq) => feed.core.canRecover(seq))).toEqual([true, true, true, true]);
      feed.hibernate();
      expect(feed.receive("e2", 0, [trade(41), ticker(42)])).toEqual(APPLIED);
      expect([log.trades, log.last]).toEqual([["e1/5", "e2/41"], 41]);
      expect(feed.receiver("ticker@raw").tickers).toEqual(["e1/6", "e2/42"]);
    });
  });

  it("stands, in a log that goes on, at what is known of it and where it was taken over", async () => {
    await withSql((sql) => {
      const feed = new TestFeedCore(sql);
      feed.receive("e1", 0, [trade(100)]);
      feed.receive("e2", 0, [trade(2)]);
      expect(feed.receive("e1", 0, [], { through: 130, opens: 120 })).toEqual(CHANGED);
      const items = decoded(feed.core.recover("trade@raw", 100, context("e1")) ?? []);
      expect(items.map(({ prev, seq, gap: one }) => [prev, seq, one?.cause])).toEqual([[100, 120, "epoch_changed"]]);
      feed.receive("e1", 0, [trade(100), trade(131)]);
      expect(feed.receiver("trade@raw").trades).toEqual(["e1/100", "e2/2", "e1/131"]);
    });
  });

  it("takes the place of what is known where nothing more has been read", async () => {
    await withSql((sql) => {
      const feed = new TestFeedCore(sql);
      feed.receive("e1", 0, [trade(100)]);
      feed.receive("e2", 0, [trade(2)]);
      feed.receive("e1", 0, [], { through: 60, opens: 50 });
      feed.receive("e1", 0, [trade(100), trade(101)]);
      const { trades, gaps } = feed.receiver("trade@raw");
      expect([trades, gaps]).toEqual([
        ["e1/100", "e2/2", "e1/101"],
        ["e2/1", "e1/100"],
      ]);
    });
  });

  it("begins for a feed that followed none, which can then be resumed from what was read", async () => {
    await withSql((sql) => {
      const feed = new TestFeedCore(sql);
      feed.receive("e1", 0, [], { through: 5000, opens: 4000 });
      expect([feed.core.epoch, feed.core.seq, feed.core.through]).toEqual(["e1", 0, 5000]);
      expect([0, 3999, 4000, 5000].map((seq) => feed.core.canRecover(seq))).toEqual([true, false, true, true]);
      expect(feed.receiver("trade@raw").gaps).toEqual([]);
    });
  });

  it("is not vouched for before the position that its publisher names, where something was lost", async () => {
    await withSql((sql) => {
      const feed = new TestFeedCore(sql);
      feed.receive("e1", 0, [trade(5)]);
      feed.receive("e2", 700, [trade(705)], { opens: 600 });
      const log = feed.receiver("trade@raw");
      expect([log.trades, log.gaps]).toEqual([["e1/5", "e2/705"], ["e2/701"]]);
      expect([0, 699, 700, 701].map((seq) => feed.core.canRecover(seq))).toEqual([false, false, true, true]);
    });
  });
});

it("keeps the old epoch with the old ticker until the new log has one", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [ticker(5000)]);
    feed.receive("e2", 0, [trade(2)]);
    expect(feed.core.ticker).toMatchObject({ epoch: "e1", seq: 5000 });
    expect(feed.core.snapshot("ticker@raw", context("e2"))).toBeUndefined();
    feed.hibernate();
    expect(feed.core.ticker).toMatchObject({ epoch: "e1", seq: 5000 });
  });
});

it("repeats nothing when it goes back to an epoch that it remembers", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2), trade(3)]);
    feed.receive("e2", 0, [trade(2)]);
    expect(feed.receive("e1", 5, [trade(6)])).toEqual({ kind: "hole", epoch: "e1", from: 3 });
    expect(feed.core.epoch).toBe("e2");
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5)])).toEqual(CHANGED);
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5), trade(6)])).toEqual(APPLIED);
    const { trades, gaps } = feed.receiver("trade@raw");
    expect([trades, gaps]).toEqual([
      ["e1/2", "e1/3", "e2/2", "e1/5", "e1/6"],
      ["e2/1", "e1/4"],
    ]);
  });
});

it("remembers eight epochs", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    for (let i = 1; i <= 9; i += 1) feed.receive(`e${i}`, 0, [trade(2)]);
    feed.hibernate();
    const told = () => feed.receiver("trade@raw").trades.splice(0);
    told();
    feed.receive("e2", 0, [trade(2)]);
    expect(told()).toEqual([]);
    feed.receive("e1", 0, [trade(2)]);
    expect(told()).toEqual(["e1/2"]);
  });
});

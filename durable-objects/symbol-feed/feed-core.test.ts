import { expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES } from "../../protocol/stream.ts";
import { batch, context, decoded, Receiver, ticker, trade } from "../testing/test-events.ts";
import { TestFeedCore } from "../testing/test-feed-core.ts";
import { withSql } from "../testing/with-sql.ts";
import { FeedStore } from "./feed-store.ts";
import { NewestTicker } from "./newest-ticker.ts";

const CHANGED = { kind: "changed" };
const APPLIED = { kind: "applied" };

it("drops what it has, and takes the rest of the batch", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    expect(feed.receive("e1", 0, [trade(2), trade(3)])).toEqual(CHANGED);
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5)])).toEqual(APPLIED);
    expect(feed.receiver("trade@raw").trades).toEqual(["e1/2", "e1/3", "e1/5"]);
    expect(feed.core.seq).toBe(5);
  });
});

it("refuses a batch after a hole, empty ones too, and takes none of it", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2)]);
    expect(feed.receive("e1", 4, [trade(6)])).toEqual({ kind: "hole", epoch: "e1", from: 2 });
    expect(feed.receive("e1", 6, [])).toEqual({ kind: "hole", epoch: "e1", from: 2 });
    expect(feed.receive("e1", 2, [])).toEqual(APPLIED);
    expect(feed.core.seq).toBe(2);
  });
});

it("believes what a batch says of completeness only when it has everything before it", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2)]);
    const known = feed.core.status;
    for (const events of [[], [trade(6)]]) {
      expect(feed.receive("e1", 5, events)).toMatchObject({ kind: "hole" });
      expect(feed.core.status).toEqual(known);
    }
    feed.receive("e1", 2, [trade(6)]);
    expect(feed.core.status?.asOf).toBeGreaterThan(known?.asOf ?? 0);
  });
});

it("knows how far it is complete from its publisher alone, for one log, and only as long as its memory lasts", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    const say = (epoch: string, prev: number, events: readonly LoggedEvent[], through: number) => {
      feed.core.accept(batch(epoch, prev, events, [], through), () => false);
      return feed.core.through;
    };
    expect(say("e1", 0, [trade(300)], 310)).toBe(310);
    expect(say("e1", 300, [], 5000)).toBe(5000);
    // A hole says nothing; neither does a publisher that is behind.
    expect(say("e1", 400, [], 6000)).toBe(5000);
    expect(say("e1", 300, [], 4000)).toBe(5000);
    feed.core.store();
    feed.hibernate();
    expect(feed.core.through).toBe(300);
    expect(say("e2", 0, [trade(2)], 2)).toBe(2);
  });
});

it("knows from where it can recover", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(11), trade(12)], { opens: 10 });
    expect([9, 10, 12].map((seq) => feed.core.canRecover(seq))).toEqual([false, true, true]);
    for (let seq = 13; seq < 1030; seq += 1) feed.receive("e1", seq - 1, [trade(seq)]);
    feed.store();
    expect([10, 29, 30].map((seq) => feed.core.canRecover(seq))).toEqual([false, false, true]);
  });
});

it("can be resumed from 0, which is what a client had while nothing was known, until history has been let go", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [ticker(5), trade(6)], { opens: 4 });
    feed.store();
    expect([0, 3, 4].map((seq) => feed.core.canRecover(seq))).toEqual([true, false, true]);
    for (let seq = 7; seq < 2000; seq += 1) {
      feed.receive("e1", seq - 1, [trade(seq)]);
      feed.store();
    }
    expect(feed.core.canRecover(0)).toBe(false);
  });
});

it("asks for what was broadcast but not stored, also when a new publisher comes to it", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2)]);
    feed.receive("e1", 2, [trade(3), ticker(4)]);
    feed.hibernate();
    expect([feed.core.seq, feed.core.caughtUp]).toEqual([2, false]);
    feed.restartStored();
    expect([feed.core.seq, feed.core.caughtUp]).toEqual([2, false]);
    feed.receive("e1", 2, [trade(3), ticker(4), trade(5)]);
    expect(feed.core.caughtUp).toBe(true);
    expect(feed.receiver("trade@100ms").trades).toEqual(["e1/2", "e1/3", "e1/5"]);
    expect(feed.core.newestTrades(9).map(({ seq }) => seq)).toEqual([2, 3, 5]);
  });
});

it("lets a stream that storage does not know yet go on from what a newcomer to it is shown", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2), ticker(3), trade(4)]);
    feed.restartStored();
    const store = new FeedStore(sql);
    const { positions, ticker: newest, ...record } = store.load();
    // As stored before there was the rate.
    const known = Object.fromEntries(Object.entries(positions).filter(([key]) => !key.endsWith("@1s")));
    store.save({ ...record, positions: known }, newest && NewestTicker.stored(feed.core.instrument, newest));
    feed.hibernate();
    for (const key of ["ticker@1s", "trade@1s"] as const) {
      const snapshot = feed.core.snapshot(key, context("e1"));
      const newcomer = new Receiver();
      newcomer.takeAll(snapshot === undefined ? [] : decoded([snapshot]));
      feed.core.accept(batch("e1", 4, [ticker(5), trade(6)]), () => true);
      newcomer.takeAll(decoded(feed.core.flush(RATES, context("e1")).get(key) ?? []));
      expect([newcomer.tickers, newcomer.trades]).toEqual(
        key === "ticker@1s" ? [["e1/3", "e1/5"], []] : [[], ["e1/6"]],
      );
      feed.hibernate();
    }
  });
});

it("splits a long recovery", async () => {
  await withSql((sql) => {
    const feed = new TestFeedCore(sql);
    feed.receive("e1", 0, [trade(2)]);
    feed.receive(
      "e1",
      2,
      Array.from({ length: 900 }, (_, i) => trade(i + 3)),
    );
    const items = decoded(feed.core.recover("trade@100ms", 2, context("e1")) ?? []);
    expect(items.map(({ prev, seq, n }) => [prev, seq, n])).toEqual([
      [2, 502, 500],
      [502, 902, 400],
    ]);
  });
});

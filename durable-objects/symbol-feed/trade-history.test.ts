import { expect, it } from "vitest";
import { FeedEvent } from "../streams/item.ts";
import { feedEvents, gap, INSTRUMENT, trade } from "../testing/test-events.ts";
import { withSql } from "../testing/with-sql.ts";
import { type HistoryLimits, TradeHistory } from "./trade-history.ts";

const LIMITS: HistoryLimits = { min: 6, max: 20, age: 10, chunk: 4 };

function fill(history: TradeHistory, from: number, to: number): void {
  for (let seq = from; seq <= to; seq += 1) history.add(new FeedEvent(trade(seq)));
}

const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

it("answers across chunks, stored or not", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, { ...LIMITS, min: 100, max: 100 });
    fill(history, 1, 9);
    history.store();
    fill(history, 10, 13);
    for (const from of range(0, 13)) expect(seqs(history.since(from))).toEqual(from === 13 ? [] : range(from + 1, 13));
    expect(seqs(history.since(2, 11))).toEqual(range(3, 11));
    expect(history.newest?.seq).toBe(13);
  });
});

it("goes on where it was when the memory is gone", async () => {
  await withSql((sql) => {
    const limits = { ...LIMITS, min: 100, max: 100 };
    let history = new TradeHistory(sql, INSTRUMENT, limits);
    for (const seq of range(1, 30)) {
      history.add(new FeedEvent(trade(seq)));
      if (seq % 3 === 0) history.store();
      if (seq % 6 === 0) history = new TradeHistory(sql, INSTRUMENT, limits);
    }
    expect(seqs(history.since(0))).toEqual(range(1, 30));
    expect(seqs(history.newestTrades(7))).toEqual(range(24, 30));
    const rows = sql.exec<{ count: number }>("SELECT count FROM trades ORDER BY first").toArray();
    expect(rows.map(({ count }) => count)).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
  });
});

it("loses what was not stored, and nothing else", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, LIMITS);
    fill(history, 1, 5);
    history.store();
    fill(history, 6, 9);
    expect(seqs(new TradeHistory(sql, INSTRUMENT, LIMITS).since(0))).toEqual(range(1, 5));
  });
});

it("keeps at least so many, and lets go of the older ones by age", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, LIMITS);
    fill(history, 1, 8);
    expect(history.store()).toBeUndefined();
    fill(history, 9, 24);
    // A trade is 1 ms after the one before: 14 and older are past 10 ms, in whole chunks.
    expect(history.store()).toBe(12);
    expect(seqs(history.since(0))).toEqual(range(13, 24));
  });
});

it("keeps at most so many, however young", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, { ...LIMITS, age: 1000 });
    fill(history, 1, 30);
    expect(history.store()).toBe(12);
    expect(seqs(new TradeHistory(sql, INSTRUMENT, LIMITS).since(0))).toEqual(range(13, 30));
  });
});

it("never lets go of the newest chunk", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, { ...LIMITS, min: 0, max: 1, age: 0 });
    fill(history, 1, 4);
    expect(history.store()).toBeUndefined();
    expect(seqs(history.since(0))).toEqual(range(1, 4));
  });
});

it("leaves gaps out of the newest trades", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, LIMITS);
    for (const event of feedEvents(trade(1), gap(2), trade(3), gap(4), gap(5))) history.add(event);
    history.store();
    expect(seqs(history.newestTrades(2))).toEqual([1, 3]);
    expect(seqs(history.since(0))).toEqual([1, 2, 3, 4, 5]);
  });
});

it("forgets everything when the log ends", async () => {
  await withSql((sql) => {
    const history = new TradeHistory(sql, INSTRUMENT, LIMITS);
    fill(history, 1, 9);
    history.store();
    history.clear();
    expect(history.newest).toBeUndefined();
    expect(seqs(new TradeHistory(sql, INSTRUMENT, LIMITS).since(0))).toEqual([]);
  });
});

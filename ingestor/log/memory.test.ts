import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { TickerEvent } from "../../protocol/events.ts";
import type { LogHandlers, LogRecord } from "./log.ts";
import { MemoryLog } from "./memory.ts";
import { MemoryPool } from "./memory-pool.ts";

function ticker(price: number, instrument = "upbit:BTC-KRW"): TickerEvent {
  const none = { size: null, side: null, open: null, high: null, low: null, prevClose: null, change: null } as const;
  const rest = { changePct: null, window: "utc-day", baseVolume24h: null, quoteVolume24h: null, bid: null } as const;
  return {
    type: "ticker",
    instrument,
    price: `${price}`,
    ...none,
    ...rest,
    ask: null,
    status: null,
    time: 1,
    received: 1,
  };
}

describe("the log in memory", () => {
  let log: MemoryLog;
  let read: LogRecord[];
  const handlers: LogHandlers = {
    assigned: () => undefined,
    revoked: () => undefined,
    resumed: () => undefined,
    confirmed: () => undefined,
    expired: () => undefined,
    records: (_partition, _epoch, records) => void read.push(...records),
  };
  const offsets = () => read.map(({ offset }) => offset);

  beforeEach(() => {
    log = new MemoryLog();
    read = [];
  });
  afterEach(() => log.stop());

  it("relies on the receipt of a trade that is dated in the future", async () => {
    const fields = { id: "1", price: "1", size: "1", side: "buy", snapshot: false } as const;
    log.append({ type: "trade", instrument: "upbit:BTC-KRW", ...fields, time: 1_000_000, received: 1500 });
    expect(await log.open(1)).toMatchObject([{ completeUntil: 1500 }]);
  });

  it("gives what is appended, in order, from offset 2 on", async () => {
    log.append(ticker(1));
    await log.start(handlers);
    log.announce({ state: "live", source: "simulated", since: 1 });
    log.append(ticker(2));
    await until(() => read.length === 3);
    expect(offsets()).toEqual([2, 3, 4]);
    expect(read.map(({ type }) => type)).toEqual(["ticker", "status", "ticker"]);
  });

  it("holds back while paused, and goes on where it was", async () => {
    await log.start(handlers);
    log.append(ticker(1));
    await until(() => read.length === 1);
    log.pause();
    log.append(ticker(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(offsets()).toEqual([2]);
    log.resume();
    await until(() => read.length === 2);
  });

  it("reads again after a position, and goes on until it is told to stop", async () => {
    for (let i = 0; i < 2500; i += 1) log.append(ticker(i));
    const again: number[] = [];
    const done = log.catchUp(0, 999, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      if (next === 2502) queueMicrotask(() => log.append(ticker(1)));
      return next <= 2502;
    });
    await done;
    expect(again).toEqual(Array.from({ length: 1503 }, (_, i) => 1000 + i));
  });

  describe("of a bounded size", () => {
    /** Of one record, about. */
    const SIZE = 600;
    const pool = () => new MemoryPool(1000 * SIZE);
    async function firstOf(one: MemoryLog): Promise<number> {
      let first = 0;
      await one.catchUp(0, 1, async (_epoch, records) => {
        first = records[0]?.offset ?? 0;
        return false;
      });
      return first;
    }
    function fill(one: MemoryLog, records: number, note = ""): void {
      for (let i = 0; i < records; i += 1) one.append({ ...ticker(100_000), instrument: `upbit:${note}-KRW` });
    }

    it("is full of uncommitted records, and keeps some committed ones", async () => {
      log = new MemoryLog(pool());
      fill(log, 1000);
      expect([log.overloaded, await firstOf(log)]).toEqual([false, 2]);
      fill(log, 1000);
      expect([log.overloaded, await firstOf(log)]).toEqual([true, 2]);
      await log.commit([{ partition: 0, epoch: "e-0", offset: 2002 }]);
      expect([log.overloaded, log.bytes]).toEqual([false, 0]);
      const first = await firstOf(log);
      expect(first).toBeGreaterThan(2);
      expect(first).toBeLessThan(1500);
      fill(log, 500);
      expect(await firstOf(log)).toBeGreaterThan(first);
    });

    it("counts bytes and no records", () => {
      log = new MemoryLog(pool());
      fill(log, 7, "X".repeat(50 * SIZE));
      expect(log.overloaded).toBe(false);
      fill(log, 7, "X".repeat(50 * SIZE));
      expect(log.overloaded).toBe(true);
    });

    it("shares the size with the logs of the other exchanges: one that is stuck takes nothing from them", () => {
      const shared = pool();
      const others = [new MemoryLog(shared), new MemoryLog(shared)];
      log = new MemoryLog(shared);
      fill(log, 700);
      expect([log, ...others].map(({ overloaded }) => overloaded)).toEqual([true, false, false]);
    });
  });
});

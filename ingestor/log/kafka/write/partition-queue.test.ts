import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../../local/testing.ts";
import { MemoryPool, type MemoryReservation } from "../../memory-pool.ts";
import { type Draft, substituteOf } from "../records.ts";
import { type Confirm, PartitionQueue, QueueClosed } from "./partition-queue.ts";

const draft = (value: string): Draft => ({ key: "k", value, type: "trade" });

/** As a broker says it. */
const tooLarge = () => Object.assign(new Error("larger than the max message size"), { type: "MESSAGE_TOO_LARGE" });

describe("a partition's queue", () => {
  let reservation: MemoryReservation;
  beforeEach(() => {
    reservation = new MemoryPool(1000).reserve();
  });
  const queueOf = (confirm: Confirm) => new PartitionQueue(confirm, substituteOf, reservation);

  it("sends one batch at a time, in order, and what came meanwhile in the next", async () => {
    const batches: [string[], number][] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const queue = queueOf((batch, first) => {
      batches.push([batch.map(({ value }) => value), first]);
      return gates[batches.length - 1]?.promise ?? Promise.resolve();
    });
    queue.push(draft("1"));
    queue.push(draft("2"));
    await until(() => batches.length === 1);
    const first = queue.flushed();
    queue.push(draft("3"));
    queue.push(draft("4"));
    gates[0]?.resolve();
    await first;
    expect(batches[0]).toEqual([["1", "2"], 1]);
    gates[1]?.resolve();
    await queue.flushed();
    expect(batches).toEqual([
      [["1", "2"], 1],
      [["3", "4"], 3],
    ]);
    expect(reservation.bytes).toBe(0);
  });

  it("keeps batches small enough for the broker, but for a record that is too large by itself", async () => {
    const sizes: number[] = [];
    const queue = queueOf(async (batch) => void sizes.push(batch.length));
    for (let i = 0; i < 4500; i += 1) queue.push(draft("x"));
    for (let i = 0; i < 3; i += 1) queue.push(draft("x".repeat(390_000)));
    queue.push(draft("x".repeat(500_000)));
    await queue.flushed();
    expect(sizes).toEqual([2000, 2000, 500, 1, 1, 1, 1]);
  });

  it("divides what the broker finds too large, and says of a trade that can't be divided that it is lost", async () => {
    const log: [string, number][] = [];
    const trade = { type: "trade", instrument: "upbit:BTC-KRW", time: 5, received: 9, price: "9".repeat(3000) };
    let refusals = 0;
    const queue = queueOf(async (batch, first) => {
      refusals += 1;
      if (batch.reduce((sum, { value }) => sum + value.length, 0) > 1000) throw tooLarge();
      for (const [i, { value }] of batch.entries()) log.push([value, first + i]);
    });
    const values = ["a".repeat(600), "b".repeat(600), JSON.stringify(trade), "c"];
    for (const value of values) queue.push(draft(value));
    await queue.flushed();
    const gap = {
      type: "gap",
      instrument: "upbit:BTC-KRW",
      cause: "unreadable_frame",
      since: 5,
      until: 6,
      state: "lost",
      received: null,
    };
    expect(log).toEqual([
      [values[0], 1],
      [values[1], 2],
      [JSON.stringify(gap), 3],
      ["c", 4],
    ]);
    expect([refusals, reservation.bytes]).toEqual([8, 0]);
  });

  it("leaves out a ticker that is too large: the next one says more", async () => {
    const sent: string[] = [];
    const queue = queueOf(async ([first]) => {
      if ((first?.value.length ?? 0) > 10) throw tooLarge();
      sent.push(first?.value ?? "");
    });
    queue.push({ key: "k", value: "x".repeat(20), type: "ticker" });
    await queue.flushed();
    queue.push(draft("2"));
    await queue.flushed();
    expect(sent).toEqual(["2"]);
  });

  it("ends quietly when the writer is closed", async () => {
    const closed = Promise.withResolvers<void>();
    const queue = queueOf(async () => {
      closed.resolve();
      throw new QueueClosed("closed");
    });
    queue.push(draft("1"));
    await closed.promise;
    expect(reservation.bytes).toBeGreaterThan(0);
  });
});

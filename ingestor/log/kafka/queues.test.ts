import { describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { PartitionQueue, QueueClosed } from "./partition-queue.ts";
import { RawQueue } from "./raw-queue.ts";
import type { Draft } from "./records.ts";

const draft = (value: string): Draft => ({ key: "k", value, type: "trade" });

describe("a partition's queue", () => {
  it("sends one batch at a time, in order, and what came meanwhile in the next", async () => {
    const batches: [string[], number][] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const queue = new PartitionQueue((batch, first) => {
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
    expect(queue.bytes).toBe(0);
  });

  it("keeps batches small enough for the broker, but for a record that is too large by itself", async () => {
    const sizes: number[] = [];
    const queue = new PartitionQueue(async (batch) => void sizes.push(batch.length));
    for (let i = 0; i < 4500; i += 1) queue.push(draft("x"));
    for (let i = 0; i < 3; i += 1) queue.push(draft("x".repeat(390_000)));
    queue.push(draft("x".repeat(500_000)));
    await queue.flushed();
    expect(sizes).toEqual([2000, 2000, 500, 1, 1, 1, 1]);
  });

  it("ends quietly when the writer is closed", async () => {
    const closed = Promise.withResolvers<void>();
    const queue = new PartitionQueue(async () => {
      closed.resolve();
      throw new QueueClosed("closed");
    });
    queue.push(draft("1"));
    await closed.promise;
    expect(queue.bytes).toBeGreaterThan(0);
  });
});

describe("the queue of raw frames", () => {
  const frame = (text: string, connection: string) => ({ bytes: Buffer.from(text), received: 5, connection });

  it("keeps a connection's frames in order, byte for byte", async () => {
    const sent = new Map<string, string[]>();
    const queue = new RawQueue(4, async (_partition, messages) => {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { key, value, headers } of messages) {
        expect(headers).toEqual({ received: "5", connection: key });
        sent.set(key, [...(sent.get(key) ?? []), value.toString()]);
      }
    });
    for (let i = 0; i < 100; i += 1) for (const connection of ["a", "b", "c"]) queue.push(frame(`${i}`, connection));
    expect(queue.bytes).toBe(570);
    await queue.flushed();
    const all = Array.from({ length: 100 }, (_, i) => `${i}`);
    expect(Object.fromEntries(sent)).toEqual({ a: all, b: all, c: all });
    expect(queue.bytes).toBe(0);
  });

  it("ends quietly when the writer is closed", async () => {
    const queue = new RawQueue(1, () => Promise.reject(new QueueClosed("closed")));
    queue.push(frame("1", "a"));
    await queue.flushed();
  });
});

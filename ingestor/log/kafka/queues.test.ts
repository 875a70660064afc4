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
        expect(headers).toEqual({ received: "5", connection: key, kind: "frame" });
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

  it("says of an answer of the trade history what was asked, about what", async () => {
    const sent: unknown[] = [];
    const queue = new RawQueue(4, async (_partition, messages) => void sent.push(...messages));
    const rest = { instrument: "upbit:BTC-KRW", path: "/v1/trades/ticks?market=KRW-BTC&count=500" };
    queue.push({ ...frame("[]", "rest"), rest });
    await queue.flushed();
    const headers = { received: "5", connection: "rest", kind: "rest", ...rest };
    expect(sent).toEqual([{ key: "rest", value: Buffer.from("[]"), headers }]);
  });

  it("keeps batches small enough for the broker, but for a frame that is too large by itself", async () => {
    const sizes: number[] = [];
    const queue = new RawQueue(1, async (_partition, messages) => void sizes.push(messages.length));
    const text = [...Array(5).fill("x".repeat(150_000)), "x".repeat(500_000), "x"];
    for (const one of text) queue.push(frame(one, "a"));
    await queue.flushed();
    expect([sizes, queue.bytes]).toEqual([[2, 2, 1, 1, 1], 0]);
  });

  it("sends what is pushed at the moment it has sent the last", async () => {
    for (let turns = 0; turns < 8; turns += 1) expect(await sentWhenPushedLater(turns)).toEqual(["1", "2"]);
  });
  async function sentWhenPushedLater(turns: number): Promise<string[]> {
    const sent: string[] = [];
    const queue = new RawQueue(1, async (_partition, messages) => {
      sent.push(...messages.map(({ value }) => value.toString()));
      if (sent.length === 1) void pushLater();
    });
    async function pushLater(): Promise<void> {
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      queue.push(frame("2", "a"));
    }
    queue.push(frame("1", "a"));
    await new Promise((resolve) => setImmediate(resolve));
    await queue.flushed();
    return sent;
  }

  it("ends quietly when the writer is closed", async () => {
    const queue = new RawQueue(1, () => Promise.reject(new QueueClosed("closed")));
    queue.push(frame("1", "a"));
    await queue.flushed();
  });
});

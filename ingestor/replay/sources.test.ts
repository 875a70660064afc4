import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { RawPartitions } from "./sources.ts";

const part = (partition: number) => ({ topic: "raw.upbit", partition, from: 0, to: 9 });

function message(received: number, logged = received): KafkaMessage {
  const headers = { received: String(received), connection: "c", kind: "frame" };
  return { key: null, value: Buffer.from(""), timestamp: String(logged), attributes: 0, offset: "0", headers };
}

test("raw records come in the order in which they were received", () => {
  const raw = new RawPartitions([part(0), part(1)]);
  const take = () => [...raw.take()].map(({ received }) => received);
  raw.push(part(0), [message(10), message(30, 35)]);
  expect(take()).toEqual([]);
  expect(raw.reached).toBe(10);
  raw.push(part(1), [message(20)]);
  expect(take()).toEqual([10, 20]);
  expect(raw.reached).toBe(35);
  raw.end(part(1));
  expect(take()).toEqual([30]);
  raw.end(part(0));
  expect(raw.reached).toBe(Number.POSITIVE_INFINITY);
});

test("frames of one connection that lie in several partitions come in the order in which they were written", () => {
  const raw = new RawPartitions([part(0), part(1)]);
  const ordered = (received: number, order: number, text: string): KafkaMessage => {
    const headers = { received: String(received), order: String(order), kind: "frame" };
    return { key: null, value: Buffer.from(text), timestamp: "1", attributes: 0, offset: "0", headers };
  };
  // Written before frames were spread, within the same millisecond, and after the clock has gone back.
  raw.push(part(1), [{ ...message(9), value: Buffer.from("0") }, ordered(10, 10_001, "2"), ordered(7, 10_003, "4")]);
  raw.push(part(0), [ordered(10, 10_000, "1"), ordered(10, 10_002, "3"), ordered(8, 10_004, "5")]);
  for (const partition of [0, 1]) raw.end(part(partition));
  expect([...raw.take()].map(({ text }) => text)).toEqual(["0", "1", "2", "3", "4", "5"]);
});

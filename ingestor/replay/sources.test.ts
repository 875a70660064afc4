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

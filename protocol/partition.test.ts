import * as fc from "fast-check";
import { Partitioners } from "kafkajs";
import { expect, it } from "vitest";
import { createPartitioner } from "./partition.ts";

const COUNTS = [1, 2, 3, 4, 7, 16, 100];

it("chooses what Kafka's own client chooses", () => {
  // As `BuiltInPartitioner.partitionForKey` of kafka-clients 4.3.1 says, for each of the counts.
  const chosen: Record<string, readonly number[]> = {
    "upbit:BTC-KRW": [0, 0, 0, 2, 0, 2, 10],
    "upbit:ETH-KRW": [0, 1, 2, 1, 6, 13, 37],
    "bithumb:XRP-KRW": [0, 1, 2, 3, 1, 3, 23],
    "korbit:BTC-KRW": [0, 0, 2, 2, 1, 10, 82],
    "binance:BTC-USDT": [0, 1, 0, 3, 6, 11, 51],
    "binance:1000SATS-USDT": [0, 1, 0, 3, 0, 7, 51],
    "binance:币安人生-USDT": [0, 1, 0, 3, 5, 11, 91],
    "upbit:A-B": [0, 1, 1, 3, 3, 3, 83],
    "": [0, 1, 0, 1, 2, 9, 81],
    x: [0, 0, 1, 2, 4, 6, 46],
  };
  for (const [key, partitions] of Object.entries(chosen))
    expect(
      COUNTS.map((count) => createPartitioner(count)(key)),
      key,
    ).toEqual(partitions);
});

it("hashes as Kafka's own tests say: UtilsTest.testMurmur2", () => {
  const hashes = { "21": -973932308, foobar: -790332482, "a-little-bit-long-string": -985981536 };
  for (const [key, hash] of Object.entries(hashes))
    for (const count of COUNTS) expect(createPartitioner(count)(key), key).toBe((hash & 0x7fffffff) % count);
});

it("chooses what the producer that we use chooses, for any name", () => {
  const theirs = Partitioners.DefaultPartitioner();
  const anywhere = { partitionErrorCode: 0, leader: 0, replicas: [], isr: [] };
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.integer({ min: 1, max: 1000 }), (key, count) => {
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({ partitionId, ...anywhere }));
      const partition = theirs({ topic: "", partitionMetadata, message: { key, value: null } });
      expect(createPartitioner(count)(key)).toBe(partition);
    }),
  );
});

it("says the same of a name every time", () => {
  const partitionOf = createPartitioner(4);
  expect([partitionOf("upbit:BTC-KRW"), partitionOf("upbit:BTC-KRW")]).toEqual([2, 2]);
});

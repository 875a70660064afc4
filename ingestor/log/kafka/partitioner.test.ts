import { expect, it } from "vitest";
import { createPartitioner } from "./partitioner.ts";

it("chooses what every standard client chooses: murmur2 of the key, made positive", () => {
  // From Kafka's own UtilsTest.testMurmur2.
  const hashes = { "21": -973932308, foobar: -790332482, "a-little-bit-long-string": -985981536 };
  for (const [key, hash] of Object.entries(hashes)) {
    for (const partitions of [1, 3, 4, 12]) {
      expect(createPartitioner(partitions)(key), `${key} of ${partitions}`).toBe((hash & 0x7fffffff) % partitions);
    }
  }
});

it("says the same of a name every time, also of one that is not ASCII", () => {
  const partitionOf = createPartitioner(4);
  for (const name of ["upbit:BTC-KRW", "binance:币安人生-USDT"]) {
    expect(partitionOf(name)).toBe(partitionOf(name));
    expect(partitionOf(name)).toBe(createPartitioner(4)(name));
  }
});

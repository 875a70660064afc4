import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { rankOf } from "./raw-record.ts";
import { RawSequence } from "./raw-sequence.ts";

function record(received: number, order?: number, logged = received): KafkaMessage {
  const headers = { received: String(received), ...(order === undefined ? {} : { order: String(order) }) };
  return { key: null, value: null, timestamp: String(logged), attributes: 0, offset: "0", headers };
}

const times = (...received: number[]) => received.map((time) => record(time));
const taken = (sequence: RawSequence) => [...sequence.take()].map(({ received }) => received);

test("gives what nothing still to come can come before", () => {
  const sequence = new RawSequence([0, 1]);
  sequence.push(0, times(1, 4));
  expect(taken(sequence)).toEqual([]);
  sequence.push(1, times(2, 3));
  expect(taken(sequence)).toEqual([1, 2, 3]);
  sequence.push(1, times(5));
  expect(taken(sequence)).toEqual([4]);
  sequence.end(0);
  expect(taken(sequence)).toEqual([5]);
});

test("a partition that has ended is waited for no longer, and nothing of it is lost", () => {
  const sequence = new RawSequence([0, 1]);
  sequence.push(0, times(1, 4));
  sequence.end(0);
  expect(taken(sequence)).toEqual([]);
  sequence.push(1, times(2, 9));
  expect(taken(sequence)).toEqual([1, 2, 4, 9]);
  sequence.end(1);
  expect(taken(sequence)).toEqual([]);
});

test("the order within a partition stays as it is, and equals follow the order of the partitions", () => {
  const sequence = new RawSequence([0, 1]);
  sequence.push(0, [record(5, undefined, 50), record(2, undefined, 20)]);
  sequence.push(1, [record(5, undefined, 51), record(7, undefined, 70)]);
  for (const partition of [0, 1]) sequence.end(partition);
  expect([...sequence.take()].map(({ logged }) => logged)).toEqual([50, 20, 51, 70]);
});

test("says up to which log time nothing is held back", () => {
  const sequence = new RawSequence([0, 1]);
  sequence.push(0, [record(10), record(30, undefined, 35)]);
  expect(sequence.reached).toBe(10);
  sequence.push(1, times(20));
  expect([taken(sequence), sequence.reached]).toEqual([[10, 20], 35]);
  for (const partition of [0, 1]) sequence.end(partition);
  expect([taken(sequence), sequence.reached]).toEqual([[30], Number.POSITIVE_INFINITY]);
});

test("frames of one connection that lie in several partitions come in the order in which they were written", () => {
  const sequence = new RawSequence([0, 1]);
  // Written before frames were spread, within the same millisecond, and after the clock has gone back.
  sequence.push(1, [record(9), record(10, 10_001), record(7, 10_003)]);
  sequence.push(0, [record(10, 10_000), record(10, 10_002), record(8, 10_004)]);
  for (const partition of [0, 1]) sequence.end(partition);
  const ranks = [9000, 10_000, 10_001, 10_002, 10_003, 10_004];
  expect([...sequence.take()].map(rankOf)).toEqual(ranks);
});

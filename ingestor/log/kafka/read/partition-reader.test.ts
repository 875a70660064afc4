import type { KafkaMessage } from "kafkajs";
import { pino } from "pino";
import { expect, it } from "vitest";
import { toMessage } from "../records.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import { PartitionReader } from "./partition-reader.ts";

const logger = pino({ level: "silent" });

/** A message as it is read; the log time is its offset in seconds. */
function message(offset: number, type: "trade" | "marker", incarnation = "a", more = {}): KafkaMessage {
  const { headers } = toMessage({ key: "upbit:BTC-KRW", value: "{}", type }, { incarnation, term: 1 }, 0, offset);
  const rest = { offset: `${offset}`, timestamp: `${offset * 1000}`, attributes: 0 };
  return { ...rest, key: Buffer.from("upbit:BTC-KRW"), value: Buffer.from("{}"), headers: { ...headers, ...more } };
}

const read = (reader: PartitionReader, ...messages: KafkaMessage[]) =>
  [...reader.read(messages)].map(({ epoch, records, next, ...rest }) => [
    epoch,
    records.map(({ offset }) => offset),
    next,
    ...Object.values(rest),
  ]);

it("gives the records of each epoch apart, and how far they go even where nothing counts", () => {
  const reader = new PartitionReader(0, PartitionCursor.atBeginning(logger, 5));
  const log = [message(5, "trade"), message(6, "marker", "b"), message(7, "trade"), message(8, "trade", "b")];
  expect(read(reader, ...log)).toEqual([
    ["a-0", [5], 6],
    ["b-0", [8], 9],
  ]);
  expect(read(reader, message(9, "trade"))).toEqual([["b-0", [], 10]]);
  expect(read(reader)).toEqual([["b-0", [], 10]]);
});

it("ends a batch before the record that does not belong to it: whoever goes on from there lacks nothing", () => {
  const reader = new PartitionReader(0, PartitionCursor.atBeginning(logger, 5));
  const [first] = reader.read([message(5, "trade"), message(0, "marker", "b"), message(1, "trade", "b")]);
  expect([first?.epoch, first?.next]).toEqual(["a-0", 6]);
});

it("gives what stands before a record of a later version, and then refuses that", () => {
  const reader = new PartitionReader(0, PartitionCursor.atBeginning(logger, 0));
  const later = message(2, "trade", "a", { format: "3" });
  const batches = reader.read([message(0, "marker"), message(1, "trade"), later, message(3, "trade")]);
  const { value } = batches.next();
  expect([value?.records.map(({ offset }) => offset), value?.next]).toEqual([[1], 2]);
  expect(() => batches.next()).toThrow("offset 2 is of format 3, and this version reads up to format 2");
  expect(reader.cursor.next).toBe(2);
});

it("tells of expired records with the epoch that they stood in", () => {
  const reader = new PartitionReader(3, PartitionCursor.atBeginning(logger, 0));
  read(reader, message(0, "marker"), message(1, "trade"));
  const expired = { seq: 4, since: 1000, until: 5000 };
  expect(read(reader, message(5, "trade"), message(6, "trade"))).toEqual([["a-3", [5, 6], 7, expired]]);
});

it("says of an empty batch of expired records in which epoch they stood", () => {
  const reader = new PartitionReader(0, PartitionCursor.atBeginning(logger, 0));
  read(reader, message(0, "marker"), message(1, "trade"));
  const gone = { seq: 4, since: 1000, until: 5000 };
  expect(read(reader, message(5, "marker"), message(6, "marker", "b"), message(7, "trade", "b"))).toEqual([
    ["a-0", [], 6, gone],
    ["b-0", [7], 8],
  ]);
});

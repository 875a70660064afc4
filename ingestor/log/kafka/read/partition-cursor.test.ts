import type { KafkaMessage } from "kafkajs";
import { pino } from "pino";
import { expect, it } from "vitest";
import { toMessage } from "../records.ts";
import { PartitionCursor } from "./partition-cursor.ts";

const logger = pino({ level: "silent" });

/** A message of a term as it is read; the log time is its offset in seconds. */
function message(offset: number, type: "trade" | "marker", term = 1, incarnation = "a"): KafkaMessage {
  const { key, value, headers } = toMessage(
    { key: "upbit:BTC-KRW", value: "{}", type },
    { incarnation, term },
    0,
    offset,
  );
  const rest = { offset: String(offset), timestamp: String(offset * 1000), attributes: 0 };
  return { ...rest, key: Buffer.from(String(key)), value: Buffer.from(String(value)), headers: { ...headers } };
}

const atBeginning = () => PartitionCursor.atBeginning(logger, 0);
const judgeAll = (cursor: PartitionCursor, messages: KafkaMessage[]) =>
  messages.map((one) => cursor.judge(one) !== undefined);

it("counts what the markers allow, and knows the epoch", () => {
  const cursor = atBeginning();
  const log = [
    message(0, "trade"),
    message(1, "marker"),
    message(2, "trade"),
    message(3, "marker", 2),
    message(4, "trade"),
  ];
  expect(judgeAll(cursor, log)).toEqual([false, false, true, false, false]);
  expect(cursor.epoch(3)).toBe("a-3");
});

it("resumes from its own metadata with the same judgement", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade"), message(2, "marker", 2), message(3, "trade", 2)]);
  const resumed = PartitionCursor.committed(logger, 2, 0, cursor.metadata(2));
  expect(judgeAll(resumed, [message(2, "marker", 2), message(3, "trade"), message(4, "trade", 2)])).toEqual([
    false,
    false,
    true,
  ]);
  expect(judgeAll(cursor.after(0), [message(1, "trade"), message(2, "marker", 2), message(3, "trade")])).toEqual([
    true,
    false,
    false,
  ]);
});

it("reads again from before its commit by the word of a record that counts, not by a void one's", () => {
  const cursor = atBeginning();
  const log = [
    message(0, "marker"),
    message(1, "trade"),
    message(2, "marker", 2),
    message(3, "trade", 2),
    // Of the older collector, and first of what the reading is for.
    message(4, "trade"),
    message(5, "trade", 2),
  ];
  judgeAll(cursor, log);
  const resumed = PartitionCursor.committed(logger, 6, 0, cursor.metadata(6));
  const again = resumed.after(3);
  expect(again.next).toBe(3);
  expect(judgeAll(again, log.slice(3))).toEqual([true, false, true]);
  const furtherBack = resumed.after(1);
  expect(judgeAll(furtherBack, log.slice(1))).toEqual([true, false, true, false, true]);
  // From the commit on it is known whose records count.
  expect([resumed.after(5).next, judgeAll(resumed.after(5), [message(6, "trade"), message(7, "trade", 2)])]).toEqual([
    6,
    [false, true],
  ]);
});

it("tells what has expired of what it is to read again, though not since when", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade"), message(2, "trade")]);
  const resumed = PartitionCursor.committed(logger, 20, 9, cursor.metadata(3));
  expect(resumed.after(1).expiredBefore([message(9, "trade")])).toEqual({ seq: 8, since: 0, until: 9000 });
  expect(resumed.after(1).expiredBefore([message(1, "trade")])).toBeUndefined();
  expect(resumed.after(1).expiredBefore([message(9, "trade", 1, "b")])).toBeUndefined();
});

it("knows what has expired, but not where it had promised nothing", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade")]);
  const resumed = PartitionCursor.committed(logger, 2, 9, cursor.metadata(2));
  expect(resumed.expiredBefore([message(2, "trade")])).toBeUndefined();
  expect(resumed.expiredBefore([message(9, "trade")])).toEqual({ seq: 8, since: 1000, until: 9000 });
  expect(resumed.expiredBefore([message(9, "trade", 1, "b")])).toBeUndefined();
  expect(new PartitionCursor(logger, 2, 2, null, null).expiredBefore([message(9, "trade")])).toBeUndefined();
});

it("takes a smaller offset of another incarnation for a topic made anew, of the same for reading again", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade"), message(2, "trade")]);
  expect(judgeAll(cursor, [message(1, "trade"), message(2, "trade")])).toEqual([true, true]);
  expect(
    judgeAll(cursor, [message(0, "trade", 1, "b"), message(1, "marker", 1, "b"), message(2, "trade", 1, "b")]),
  ).toEqual([false, false, true]);
  expect(cursor.epoch(0)).toBe("b-0");
});

it("starts over for an incarnation that it has seen no marker of, once", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade")]);
  const foreign = [message(2, "trade", 1, "b")];
  expect([
    cursor.mustStartOver([message(2, "trade")]),
    cursor.mustStartOver(foreign),
    cursor.mustStartOver(foreign),
  ]).toEqual([false, true, false]);
});

it("resumes from a commit as it was written before records said their format", () => {
  const metadata = '{"authority":{"incarnation":"a","term":2},"logged":1783655148400}';
  const resumed = PartitionCursor.committed(logger, 5, 0, metadata);
  expect(judgeAll(resumed, [message(5, "trade"), message(6, "trade", 2)])).toEqual([false, true]);
  expect(resumed.metadata(5)).toBe(metadata);
});

it("refuses metadata that it did not write", () => {
  expect(() => PartitionCursor.committed(logger, 5, 0, '{"term":1}')).toThrow();
});

it("knows a message that it has judged from one of a topic made anew", () => {
  const cursor = atBeginning();
  judgeAll(cursor, [message(0, "marker"), message(1, "trade")]);
  const judged = [message(1, "trade"), message(2, "trade"), message(1, "trade", 1, "b")];
  expect(judged.map((one) => cursor.hasJudged(one))).toEqual([true, false, false]);
});

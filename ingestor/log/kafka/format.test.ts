/** Logs of other versions, in a real Kafka. */

import type { KafkaMessage, Message } from "kafkajs";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { requireKafka, until } from "../../../local/testing.ts";
import { rawRecord } from "../../replay/raw/raw-record.ts";
import { readLog } from "../../verify/read-log.ts";
import { checkFormat, countOf, formatHeader } from "./format.ts";
import { committedOffsets } from "./offsets.ts";
import { KafkaReader } from "./read/reader.ts";
import { BTC, Heard, trade, useTestLog } from "./testing.ts";

const kafka = await requireKafka();

/** A record exactly as format 1 was written: with four headers, none of which says so. */
function ofFormat1(type: string, key: string, value: string, count: number, term = 1): Message {
  const headers = { type, incarnation: "k7f2a9", term: `${term}`, count: `${count}` };
  return { key, value, headers, partition: 0 };
}

const TRADE =
  '{"type":"trade","instrument":"upbit:BTC-KRW","id":"1","price":"95299000","size":"0.0012","side":"buy","time":1783655148303,"received":1783655148350,"snapshot":false}';
const STATUS = '{"state":"live","source":"live","since":1783655100000,"doubted":1783655148000}';
const FORMAT_1 = [
  ofFormat1("marker", "marker", "{}", 0),
  ofFormat1("marker", "marker", "{}", 1),
  ofFormat1("trade", BTC, TRADE, 2),
  ofFormat1("status", "status", STATUS, 3),
  ofFormat1("marker", "marker", "{}", 0, 2),
  // Of the older collector: void.
  ofFormat1("trade", BTC, TRADE.replace('"1"', '"2"'), 4),
  ofFormat1("trade", BTC, TRADE.replace('"1"', '"3"'), 1, 2),
];

describe("the format of a record", () => {
  it.each([undefined, "1", "2", "2:1077", "1:5", "json", ""])("%s is read, or is no record of ours", (format) => {
    expect(() => checkFormat(format === undefined ? {} : { format: Buffer.from(format) }, "7")).not.toThrow();
  });

  it("that is later than ours is refused, and both are named", () => {
    const message = "the record at offset 7 is of format 3, and this version reads up to format 2";
    for (const format of ["3", "3:1077"])
      expect(() => checkFormat({ format: Buffer.from(format) }, "7")).toThrow(message);
    expect(() => checkFormat({ format: Buffer.from("20:7") }, "7")).toThrow("of format 20,");
  });

  it("says the count of a record, as format 1 did in a header of its own", () => {
    const format1 = { count: Buffer.from("1077") };
    const format2 = { format: Buffer.from(formatHeader(1077).format) };
    expect([countOf(format1), countOf(format2), countOf({ format: Buffer.from("2") }), countOf({})]).toEqual([
      1077, 1077, 0, 0,
    ]);
  });

  it("is checked in the raw log too, where format 1 had no header for it", () => {
    const headers = { received: "1783655148350", order: "1783655148350000", connection: "upbit/1" };
    const message = (more: Record<string, string>) =>
      ({ offset: "5", timestamp: "9", value: Buffer.from("{}"), headers: { ...headers, ...more } }) as KafkaMessage;
    const frame = { text: "{}", received: 1783655148350, connection: "upbit/1", order: 1783655148350000, logged: 9 };
    expect(rawRecord(message({ kind: "frame" }), 0)).toMatchObject(frame);
    const body = { kind: "rest", instrument: BTC, path: "/v1/trades/ticks" };
    expect(rawRecord(message(body), 0)).toMatchObject({ ...frame, instrument: BTC });
    const omission = { kind: "omission", reason: "too large", until: "1", frames: "1", bytes: "9" };
    expect(rawRecord(message(omission), 0).omission).toContain("too large");
    expect(() => rawRecord(message({ kind: "frame", format: "3" }), 0)).toThrow("of format 3");
  });
});

kafka.describe("a log of another version", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 1 });

  async function wrote(messages: readonly Message[]) {
    const { topic, kafka: client } = log();
    await log().onAdmin(async (admin) => {
      if (!(await admin.listTopics()).includes(topic))
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    });
    const producer = client.producer();
    await producer.connect();
    await producer.send({ topic, messages: [...messages] });
    await producer.disconnect();
  }
  async function committed() {
    const offsets = await log().onAdmin((admin) =>
      committedOffsets(admin, `${log().settings.prefix}tickcast-push-upbit`, log().topic),
    );
    return offsets.get(0);
  }

  it("of format 1 is read and taken over, and goes on in format 2", async () => {
    await wrote(FORMAT_1);
    const { heard } = await log().read(new Heard());
    await until(() => heard.ids.length === 2);
    expect([heard.ids, heard.offsets, heard.epochs]).toEqual([["1", "3"], [2, 6], ["k7f2a9-0"]]);
    const writer = log().newWriter();
    const [tail] = await writer.open(0);
    expect(tail?.events.map((event) => event.type === "trade" && event.id)).toEqual(["1", "3"]);
    expect([writer.term, tail?.completeUntil]).toEqual([3, 1783655148000]);
    writer.append(trade(4));
    writer.appendRaw({ bytes: Buffer.from("{}"), received: 5, connection: "upbit/1" });
    await writer.flushed();
    await until(() => heard.ids.length === 3);
    expect([heard.ids.at(-1), heard.epochs]).toEqual(["4", ["k7f2a9-0"]]);
    const said = [...(await log().messages()), ...(await log().messages(log().rawTopic))];
    const formats = said.map(({ message }) => message.headers?.["format"]?.toString());
    expect([formats.slice(0, FORMAT_1.length), formats.slice(FORMAT_1.length)]).toEqual([
      FORMAT_1.map(() => undefined),
      // The marker of the writer, its trade and its frame.
      ["2:0", "2:1", "2"],
    ]);
  });

  it("of a later format is given up to there, and refused with a word of both", async () => {
    const errors: string[] = [];
    const logger = pino({ level: "error" }, { write: (line: string) => errors.push(line) });
    await wrote(FORMAT_1);
    const [, , , , , , last] = FORMAT_1;
    await wrote([{ ...last, headers: { ...last?.headers, format: "3" } } as Message, last as Message]);
    const heard = new Heard();
    const reader = new KafkaReader(log().settings, "upbit", logger);
    await reader.start(heard);
    await until(() => errors.length > 0);
    expect(errors[0]).toContain("the record at offset 7 is of format 3, and this version reads up to format 2");
    expect([heard.ids, heard.owned.size, reader.reachable]).toEqual([["1", "3"], 0, false]);
    // Nothing was committed: whoever can read it goes on with it.
    await reader.stop();
    expect((await committed())?.offset ?? -1).toBe(-1);
    await expect(readLog(log().settings, "upbit", log().logger)).rejects.toThrow("of format 3");
  });

  it("that a later version takes over while we write it is no longer ours", async () => {
    const writer = await log().write(trade(1));
    const [, , last] = FORMAT_1;
    await wrote([{ ...last, headers: { ...last?.headers, format: "3" } } as Message]);
    writer.append(trade(2));
    await writer.superseded;
  });

  it("of a later format is not taken over: nothing is written to it", async () => {
    const [, , last] = FORMAT_1;
    await wrote([...FORMAT_1, { ...last, headers: { ...last?.headers, format: "3" } } as Message]);
    const said: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => said.push(line) });
    const writer = log().newWriter({}, logger);
    const opening = expect(writer.open(0)).rejects.toThrow("taking the log over");
    await until(() => said.some((line) => line.includes("of format 3")));
    await writer.close();
    await opening;
    expect((await log().messages()).length).toBe(FORMAT_1.length + 1);
  });
});

/** The raw log in a real Kafka: large frames, several partitions, a topic that takes no more; ticks go on beside it. */

import { randomBytes } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import { deleteTopic } from "../../../local/kafka/delete-topic.ts";
import { requireKafka, until } from "../../../local/testing.ts";
import { type RawRecord, rawRecord } from "../../replay/raw/raw-record.ts";
import { trade, useTestLog } from "./testing.ts";
import type { KafkaWriter } from "./write/writer.ts";

const kafka = await requireKafka();
const MEBIBYTE = 1024 * 1024;

kafka.describe("the raw log in Kafka", () => {
  const { log } = useTestLog(() => kafka.start());
  let writer: KafkaWriter;
  beforeEach(() => {
    writer = log().newWriter();
  });

  async function opened(): Promise<KafkaWriter> {
    await writer.open(0);
    return writer;
  }
  const raw = () => log().rawTopic;
  const append = (bytes: Buffer, received = 1000) => writer.appendRaw({ bytes, received, connection: "upbit/1" });
  /** Not to be compressed, as no real frame is: the worst that can come. */
  const noise = (length: number) => randomBytes(length);
  async function written(): Promise<{ records: RawRecord[]; lengths: number[]; perPartition: number[] }> {
    const all = await log().messages(raw());
    const found = all
      .map(({ partition, message }) => ({ record: rawRecord(message, partition), length: message.value?.length ?? 0 }))
      .sort((a, b) => (a.record.order ?? 0) - (b.record.order ?? 0));
    return {
      records: found.map(({ record }) => record),
      lengths: found.map(({ length }) => length),
      perPartition: [...Map.groupBy(all, ({ partition }) => partition).values()].map(({ length }) => length),
    };
  }

  it("takes a frame of 4 MB and a body of 7, says of what is larger that it is left out, and ticks go on", async () => {
    await writer.open(0);
    const sizes = [10, 4 * MEBIBYTE, 7 * MEBIBYTE, 9 * MEBIBYTE, 11];
    for (const size of sizes) append(noise(size));
    writer.append(trade(1));
    await writer.flushed();
    const { records, lengths } = await written();
    expect(lengths).toEqual([10, 4 * MEBIBYTE, 7 * MEBIBYTE, 0, 11]);
    expect(records[3]?.omission).toMatch(/too large.*9437184 bytes/);
    expect(writer.raw).toEqual({ bytes: 0, omitted: 1, trouble: undefined });
  });

  it("gives a topic that exists the limit that it needs, and keeps what else was set for it", async () => {
    await log().onAdmin(async (admin) => {
      const configEntries = [{ name: "retention.ms", value: "7200000" }];
      await admin.createTopics({ topics: [{ topic: raw(), numPartitions: 2, configEntries }], waitForLeaders: true });
    });
    await writer.open(0);
    append(noise(2 * MEBIBYTE));
    await writer.flushed();
    expect((await written()).lengths).toEqual([2 * MEBIBYTE]);
    const { resources } = await log().onAdmin((admin) =>
      admin.describeConfigs({ resources: [{ type: 2, name: raw() }], includeSynonyms: false }),
    );
    const entries = new Map(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    expect([entries.get("retention.ms"), entries.get("max.message.bytes")]).toEqual(["7200000", "8388608"]);
  });

  it("does not repeat what the topic refuses: the frames around it are written", async () => {
    await writer.open(0);
    const limit = [{ name: "max.message.bytes", value: "100000" }];
    await log().onAdmin((admin) =>
      admin.alterConfigs({ resources: [{ type: 2, name: raw(), configEntries: limit }], validateOnly: false }),
    );
    await until(async () => {
      append(noise(150_000));
      await writer.flushed();
      return writer.raw?.omitted === 1;
    });
    for (const bytes of [noise(1), noise(150_000), Buffer.alloc(300_000, "compressible"), noise(5)]) append(bytes);
    await writer.flushed();
    expect((await written()).lengths.slice(-4)).toEqual([1, 0, 300_000, 5]);
    expect(writer.raw).toEqual({ bytes: 0, omitted: 2, trouble: undefined });
  });

  it("holds up no tick when it can't be written, and says so", async () => {
    await (await opened()).close();
    // There is one broker: the topic that is deleted can't be made anew.
    writer = log().newWriter({ replication: 2 });
    await writer.open(0);
    await deleteTopic(log().kafka, raw());
    append(noise(100_000));
    await until(() => writer.raw?.trouble !== undefined);
    writer.append(trade(1));
    await writer.confirmed();
    for (let i = 0; i < 1400; i += 1) append(Buffer.alloc(100_000));
    expect([writer.overloaded, writer.reachable]).toEqual([false, true]);
    expect(writer.raw?.omitted).toBeGreaterThan(0);
    expect(writer.raw?.bytes).toBeLessThan(129 * MEBIBYTE);
  });

  it("spreads the frames of one connection, compressed, and their order holds", async () => {
    await writer.open(0);
    for (let i = 0; i < 4000; i += 1) append(Buffer.from(`{"i":${i},"text":"${"x".repeat(400)}"}`), 1000 + (i >> 5));
    await writer.flushed();
    const { records, perPartition } = await written();
    expect(records.map(({ text }) => (JSON.parse(text) as { i: number }).i)).toEqual([...Array(4000).keys()]);
    expect(Math.max(...perPartition)).toBeLessThan(2000);
  });

  it("makes a raw topic anew that was deleted", async () => {
    await writer.open(0);
    append(Buffer.from("1"));
    await writer.flushed();
    await deleteTopic(log().kafka, raw());
    append(Buffer.from("2"));
    await writer.flushed();
    await until(async () => (await written()).records.some(({ text }) => text === "2"));
    expect(writer.raw?.trouble).toBeUndefined();
  });
});

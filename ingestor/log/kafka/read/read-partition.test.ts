/** A partition of a real Kafka's log, read beside all groups. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { deleteTopic } from "../../../../local/kafka/delete-topic.ts";
import { requireKafka, until } from "../../../../local/testing.ts";
import { extents } from "../offsets.ts";
import { Heard, trade, useTestLog } from "../testing.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import { type LogBatch, PartitionReader } from "./partition-reader.ts";
import { readPartition } from "./read-partition.ts";

const kafka = await requireKafka();

kafka.describe("a partition that is read beside all groups", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 1 });

  const atBeginning = () => new PartitionReader(0, PartitionCursor.atBeginning(log().logger, 0));
  const offsetsOf = (batches: readonly LogBatch[]) =>
    batches.flatMap(({ records }) => records.map(({ offset }) => offset));

  /** Reads on until the test ends. */
  function follow(reader: PartitionReader): LogBatch[] {
    const batches: LogBatch[] = [];
    const end = new AbortController();
    const take = (batch: LogBatch) => batches.push(batch) > 0;
    const reading = readPartition(log().kafka, log().topic, reader, take, { signal: end.signal });
    onTestFinished(async () => {
      end.abort(new Error("the test is over"));
      await expect(reading).rejects.toThrow("the test is over");
    });
    return batches;
  }

  it("goes on where the last batch ended that was taken, with the same judgement, and disturbs no group", async () => {
    const old = await log().write(trade(2), trade(3));
    const current = await log().write(trade(5));
    const { heard } = await log().read(new Heard());
    await until(() => heard.ids.length === 3);
    const first: LogBatch[] = [];
    const reader = atBeginning();
    await readPartition(log().kafka, log().topic, reader, (batch) => first.push(batch) > 0 && batch.next < 6);
    expect([offsetsOf(first), reader.epoch]).toEqual([[2, 3, 5], heard.epoch]);
    const next = first.at(-1)?.next ?? 0;
    // Void: its term is over.
    old.append(trade(6));
    await old.flushed();
    current.append(trade(7));
    await current.flushed();
    const cursor = PartitionCursor.committed(log().logger, next, 0, reader.cursor.metadata(next));
    const second = follow(new PartitionReader(0, cursor));
    await until(() => offsetsOf(second).length > 0);
    expect(offsetsOf(second)).toEqual([7]);
    await until(() => heard.ids.length === 4);
    expect(heard.calls.filter((call) => call === "assigned").length).toBe(1);
  });

  it("follows a topic that is made anew into its new epoch, from its beginning", async () => {
    const writer = await log().write(...Array.from({ length: 50 }, (_, i) => trade(i)));
    const batches = follow(atBeginning());
    await until(() => offsetsOf(batches).length === 50);
    await deleteTopic(log().kafka, log().topic);
    writer.append(trade(100));
    await writer.flushed();
    await until(() => offsetsOf(batches).length === 51);
    const [before, after, ...more] = [...new Set(batches.map(({ epoch }) => epoch))];
    const of = (epoch = "") => offsetsOf(batches.filter((one) => one.epoch === epoch));
    expect([of(before).length, of(after), more]).toEqual([50, [2], []]);
  });

  it("serves a catch-up although its topic is made anew meanwhile", async () => {
    const writer = await log().write(...Array.from({ length: 50 }, (_, i) => trade(i)));
    const { reader, heard } = await log().read(new Heard());
    await until(() => heard.ids.length === 50);
    const epochs = new Set<string>();
    const catching = reader.catchUp(0, 30, async (epoch, records) => {
      if (records.length > 0) epochs.add(epoch);
      return epochs.size < 2;
    });
    await until(() => epochs.size === 1);
    await deleteTopic(log().kafka, log().topic);
    writer.append(trade(100));
    await writer.flushed();
    await catching;
    expect([...epochs]).toEqual(heard.epochs);
  });

  it("tells of records that expired before they were read", async () => {
    await log().write(...Array.from({ length: 10 }, (_, i) => trade(i)));
    const first: LogBatch[] = [];
    const reader = atBeginning();
    await readPartition(log().kafka, log().topic, reader, (batch) => {
      first.push(batch);
      return false;
    });
    await log().expire(0, 8);
    const cursor = PartitionCursor.committed(log().logger, 4, 0, reader.cursor.metadata(4));
    const second = follow(new PartitionReader(0, cursor));
    await until(() => offsetsOf(second).length === 4);
    expect(second[0]?.expired).toMatchObject({ seq: 7 });
  });

  it("fetches no further while a batch is held back, however long, and gives nothing twice", async () => {
    await log().write(...Array.from({ length: 3000 }, (_, i) => trade(i)));
    const seen: number[] = [];
    let taking = 0;
    const take = async ({ records }: LogBatch) => {
      taking += 1;
      expect(taking).toBe(1);
      // Longer than the session of the group that is used: 10 s.
      if (seen.length === 0 && records.length > 0) await sleep(12_000);
      seen.push(...records.map(({ offset }) => offset));
      taking -= 1;
      return seen.length < 3000;
    };
    await readPartition(log().kafka, log().topic, atBeginning(), take, { fetch: 32 * 1024 });
    expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => i + 2));
  });

  it("ends with what `take` throws, and gives nothing after that", async () => {
    await log().write(...Array.from({ length: 3000 }, (_, i) => trade(i)));
    let taken = 0;
    const take = () => {
      taken += 1;
      if (taken === 2) throw new Error("no room");
      return true;
    };
    const reading = readPartition(log().kafka, log().topic, atBeginning(), take, { fetch: 32 * 1024 });
    await expect(reading).rejects.toThrow("no room");
    expect(taken).toBe(2);
    const [extent] = await log().onAdmin((admin) => extents(admin, log().topic));
    expect(extent?.high).toBe(3002);
  });
});

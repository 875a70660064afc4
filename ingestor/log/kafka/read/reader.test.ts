/** Readers of a real Kafka's log that share it as a group. */

import { expect, it } from "vitest";
import { requireKafka, until } from "../../../../local/testing.ts";
import { names } from "../client.ts";
import { committedOffsets } from "../offsets.ts";
import { BTC, Heard, trade, useTestLog } from "../testing.ts";

const kafka = await requireKafka();

kafka.describe("a reader of a log", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 2 });
  const write = (...ids: number[]) => log().write(...ids.map((id) => trade(id)));
  const read = (heard = new Heard()) => log().read(heard);

  const groupId = () => names(log().settings.prefix, "upbit").group;

  const committed = (partition: number) =>
    log().onAdmin(async (admin) => (await committedOffsets(admin, groupId(), log().topic)).get(partition)?.offset);

  /** Three trades, at 2 to 4: a reader has had them all, committed up to the third of them, and left. */
  async function committed4() {
    const writer = await write(1, 2, 3);
    const partition = writer.partitionOf(BTC);
    const { reader, heard } = await read();
    await until(() => heard.ids.length === 3);
    await reader.commit([{ partition, epoch: heard.epoch, offset: 4 }]);
    await reader.stop();
    return { writer, partition, heard };
  }

  /** What kafkajs does by itself where the committed offset is not in the log any more. */
  async function resetByKafkajs(partition: number): Promise<void> {
    const consumer = log().kafka.consumer({ groupId: groupId(), sessionTimeout: 6000 });
    await consumer.connect();
    await consumer.subscribe({ topic: log().topic, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async () => undefined });
    await until(async () => (await committed(partition)) === -2);
    await consumer.disconnect();
  }

  it("resumes from what was committed, and knows there whose records are void", async () => {
    const old = await write(1, 2);
    const current = await write(3);
    const first = await read();
    await until(() => first.heard.ids.length === 3 && first.heard.confirmations > 0);
    const partition = old.partitionOf(BTC);
    const offset = (first.heard.offsets.at(-1) ?? 0) + 1;
    const { epoch } = first.heard;
    await expect(first.reader.commit([{ partition, epoch: "another-0", offset: 1 }])).rejects.toThrow("no longer ours");
    await first.reader.commit([{ partition, epoch, offset }]);
    await first.reader.stop();
    old.append(trade(4));
    await old.flushed();
    current.append(trade(5));
    await current.flushed();
    const second = await read();
    await until(() => second.heard.ids.length >= 1);
    expect(second.heard.ids).toEqual(["5"]);
  });

  it("tells what has expired before it was read, and of nothing where it had promised nothing", async () => {
    const { writer, partition, heard } = await committed4();
    for (const id of [4, 5, 6, 7]) writer.append(trade(id));
    await writer.flushed();
    await log().expire(partition, 7);
    const { heard: later } = await read();
    await until(() => later.ids.length === 2);
    expect([later.ids, later.expiries]).toEqual([
      ["6", "7"],
      [{ seq: 6, since: expect.any(Number), until: expect.any(Number) }],
    ]);
    expect(later.expiries[0]?.since).toBeLessThanOrEqual(later.expiries[0]?.until ?? 0);
    expect(heard.expiries).toEqual([]);
    // Should this reader die before the feeds have been told, the next one must know of it, too.
    expect(await committed(partition)).toBe(4);
  });

  it("tells what has expired where a consumer was reset to the beginning before, and the position is lost", async () => {
    const { writer, partition } = await committed4();
    await log().expire(partition, 5);
    await resetByKafkajs(partition);
    for (const id of [4, 5]) writer.append(trade(id));
    await writer.flushed();
    const { heard: later } = await read();
    await until(() => later.ids.length === 2);
    expect(later.expiries).toEqual([{ seq: 4, since: 0, until: expect.any(Number) }]);
  });

  it("reads again what follows a position, up to where it is told to stop", async () => {
    const writer = await write(1, 2, 3, 4);
    const { reader, heard } = await read();
    await until(() => heard.ids.length === 4);
    const again: number[] = [];
    await reader.catchUp(writer.partitionOf(BTC), 2, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 6;
    });
    expect(again).toEqual([3, 4, 5]);
  });

  it("reads nothing of a partition that is paused before its commit is known, until it is resumed", async () => {
    await write(1, 2, 3);
    const heard = new Heard();
    const paused: number[] = [];
    const reader = log().newReader();
    heard.assigned = (partition) => {
      paused.push(partition);
      reader.pause([partition]);
    };
    await reader.start(heard);
    await until(() => heard.confirmations > 1);
    expect([paused.length, heard.ids]).toEqual([2, []]);
    reader.resume(paused);
    await until(() => heard.ids.length === 3);
  });

  it("stays in its group however long a batch takes", async () => {
    await write(...Array.from({ length: 2000 }, (_, i) => i));
    // 10 s in all, against a session of 6 s. Who falls out reads from the commit again.
    const { heard } = await read(new Heard(5));
    await until(() => heard.ids.length >= 2000);
    expect(heard.ids).toEqual(Array.from({ length: 2000 }, (_, i) => `${i}`));
    expect(heard.confirmations).toBeGreaterThan(3);
  });

  it("hands partitions over to a second reader, and refuses to commit what is another's", async () => {
    await write(1);
    const first = await read();
    await until(() => first.heard.owned.size === 2);
    const second = await read();
    await until(() => first.heard.owned.size === 1 && second.heard.owned.size === 1);
    const [theirs] = second.heard.owned;
    await expect(first.reader.commit([{ partition: theirs ?? -1, epoch: "", offset: 1 }])).rejects.toThrow(
      "no longer ours",
    );
    await second.reader.stop();
    await until(() => first.heard.owned.size === 2);
  });
});

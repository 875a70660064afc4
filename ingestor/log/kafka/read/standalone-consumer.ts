/**
 * A standalone consumer: reads partitions from positions of its own, whatever any group has committed. kafkajs has no
 * consumer without a group, so this one joins a group of its own each time. It commits nothing, so the broker forgets the
 * group by itself.
 */

import { randomUUID } from "node:crypto";
import type { Batch, Kafka } from "kafkajs";
import { askAgain } from "../ask-again.ts";

export interface ConsumeOptions {
  /** Fetch size, bytes of a partition: a fetch is decoded in one go. */
  readonly fetch?: number;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Gets the batches of a partition in order, and may hold them back by returning a promise.
 *
 * @returns the offset at which the partition is read on; undefined ends its reading
 */
export type OnBatch = (batch: Batch) => Promise<number | undefined>;

/**
 * A position that the log no longer has, since retention has passed it or the topic was made anew, is read from the
 * beginning of the log: what the first batch begins with tells which.
 *
 * @param positions the first offset to read of each partition
 * @returns when the reading of every partition has ended
 * @throws what `onBatch` throws, what Kafka does not take back, and when aborted
 */
export async function consume(
  kafka: Kafka,
  topic: string,
  positions: ReadonlyMap<number, number>,
  onBatch: OnBatch,
  { fetch, signal }: ConsumeOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const open = new Map(positions);
  if (open.size === 0) return;
  const consumer = kafka.consumer({
    groupId: `tickcast-read-${randomUUID()}`,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: 100,
    metadataMaxAge: 3000,
    allowAutoTopicCreation: false,
    ...(fetch === undefined ? {} : { maxBytesPerPartition: fetch }),
  });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // It may end before anyone waits for it: `await done` throws all the same.
  done.catch(() => undefined);
  const fail = (error: unknown) => {
    // What has been fetched already is none of the reader's any more.
    open.clear();
    reject(error);
  };
  const abort = () => fail(signal?.reason);
  signal?.addEventListener("abort", abort);
  const seek = (partition: number, offset: number) => consumer.seek({ topic, partition, offset: String(offset) });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error);
  });
  // A hold-up that lasts longer than the session costs us the membership: reading then goes on here, not at the beginning.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const ended = (payload.memberAssignment[topic] ?? []).filter((partition) => !open.has(partition));
    if (ended.length > 0) consumer.pause([{ topic, partitions: ended }]);
    for (const [partition, offset] of open) seek(partition, offset);
  });
  const take = async (batch: Batch) => {
    const { partition } = batch;
    const next = await onBatch(batch);
    if (!open.has(partition)) return;
    if (next === undefined) {
      open.delete(partition);
      consumer.pause([{ topic, partitions: [partition] }]);
      if (open.size === 0) resolve();
      return;
    }
    open.set(partition, next);
    if (next !== Number(batch.lastOffset()) + 1) seek(partition, next);
  };
  try {
    await consumer.connect();
    await askAgain(() => consumer.subscribe({ topic, fromBeginning: true }));
    await consumer.run({
      autoCommit: false,
      // kafkajs would give a batch whose handling fails again and again.
      eachBatch: async ({ batch, isStale }) => {
        if (open.has(batch.partition) && !isStale()) await take(batch).catch(fail);
      },
    });
    await done;
  } finally {
    signal?.removeEventListener("abort", abort);
    await consumer.disconnect();
  }
}

/**
 * Reads ranges of some partitions once: tails at a start, a parked feed's events, a whole log to verify. kafkajs has no
 * consumer without a group, so this uses one of its own each time. It commits nothing, so the broker forgets it by itself.
 */

import { randomUUID } from "node:crypto";
import type { Kafka, KafkaMessage } from "kafkajs";
import { askAgain } from "./ask-again.ts";

export interface Range {
  readonly partition: number;
  /** The first offset to read. */
  readonly from: number;
  /** The offset to stop before; `Number.MAX_SAFE_INTEGER` to go on until told to stop. */
  readonly to: number;
}

export interface ReadOptions {
  /** Fetch size, bytes of a partition: a fetch is decoded in one go. */
  readonly fetch?: number;
  /** Ends the reading with an error. */
  readonly signal?: AbortSignal;
}

/** A range with an end that brings nothing for this long, ms, has none any more: the log was made anew meanwhile. */
const STUCK = 20_000;

/**
 * @param take gets each batch in order; resolving to false ends the reading of that partition
 * @returns when every range has been read
 * @throws when a range with an end can't be read to it, or reading is ended from outside
 */
export async function readRanges(
  kafka: Kafka,
  topic: string,
  ranges: readonly Range[],
  take: (partition: number, messages: readonly KafkaMessage[]) => Promise<boolean> | boolean,
  { fetch, signal }: ReadOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const open = new Map(
    ranges.filter(({ from, to }) => from < to).map(({ partition, from, to }) => [partition, { partition, from, to }]),
  );
  if (open.size === 0) return;
  const groupId = `tickcast-read-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: 100,
    metadataMaxAge: 3000,
    allowAutoTopicCreation: false,
    ...(fetch === undefined ? {} : { maxBytesPerPartition: fetch }),
  });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // It may end before anyone waits for it: told by `await done` all the same.
  done.catch(() => undefined);
  const endless = ranges.some(({ to }) => to === Number.MAX_SAFE_INTEGER);
  const watchdog = endless ? undefined : setTimeout(() => reject(new Error(`reading ${topic} gets stuck`)), STUCK);
  const end = () => reject(signal?.reason);
  signal?.addEventListener("abort", end);
  const finish = (partition: number) => {
    open.delete(partition);
    consumer.pause([{ topic, partitions: [partition] }]);
    if (open.size === 0) resolve();
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const unwanted = (payload.memberAssignment[topic] ?? []).filter((partition) => !open.has(partition));
    if (unwanted.length > 0) consumer.pause([{ topic, partitions: unwanted }]);
    for (const { partition, from } of open.values()) consumer.seek({ topic, partition, offset: String(from) });
  });
  try {
    await consumer.connect();
    await askAgain(() => consumer.subscribe({ topic, fromBeginning: true }));
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        const range = open.get(batch.partition);
        if (range === undefined || isStale()) return;
        const wanted = batch.messages.filter(({ offset }) => Number(offset) >= range.from && Number(offset) < range.to);
        const goOn = wanted.length === 0 || (await take(batch.partition, wanted));
        const last = Number(batch.messages.at(-1)?.offset ?? -1);
        // A `take` that lasts longer than the session costs us the membership: reading then goes on here, not at the beginning.
        range.from = Math.max(range.from, last + 1);
        watchdog?.refresh();
        if (!goOn || last >= range.to - 1) finish(batch.partition);
      },
    });
    await done;
  } finally {
    clearTimeout(watchdog);
    signal?.removeEventListener("abort", end);
    await consumer.disconnect();
  }
}

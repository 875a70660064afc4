/**
 * Reads one partition of a log from a position of the reader's own, beside all consumer groups: for whoever lacks what a
 * group has committed already, or keeps account of its reading itself.
 */

import type { Kafka } from "kafkajs";
import type { LogBatch, PartitionReader } from "./partition-reader.ts";
import { type ConsumeOptions, consume } from "./standalone-consumer.ts";

/**
 * Every record that counts, in order and once. A topic that was made anew is read on from its beginning, in its new epoch;
 * records that have expired are told before those that follow them.
 *
 * @param reader says where to begin; used up afterwards: what is read next begins where the last batch ended that was taken
 * @param take may hold the reading back by returning a promise: no more than a fetch waits meanwhile; false ends it
 * @throws what `take` throws, what Kafka does not take back, and when aborted
 */
export async function readPartition(
  kafka: Kafka,
  topic: string,
  reader: PartitionReader,
  take: (batch: LogBatch) => Promise<boolean> | boolean,
  options: ConsumeOptions = {},
): Promise<void> {
  const positions = new Map([[reader.partition, reader.cursor.next]]);
  await consume(
    kafka,
    topic,
    positions,
    async ({ messages }) => {
      // A rejoin may bring again what is being handed over right now.
      const unread = messages.filter((message) => !reader.cursor.hasJudged(message));
      for (const batch of reader.read(unread)) if (!(await take(batch))) return undefined;
      return reader.cursor.mustStartOver(unread) ? 0 : reader.cursor.next;
    },
    options,
  );
}

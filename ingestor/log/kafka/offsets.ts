/** What Kafka knows of the positions in a topic. */

import type { Admin, FetchOffsetsPartition } from "kafkajs";
import { askAgain } from "./ask-again.ts";

/** The first and the next offset of a partition. */
export interface Extent {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** The extents of a topic's partitions, by partition. */
export async function extents(admin: Admin, topic: string): Promise<Extent[]> {
  const offsets = await askAgain(() => admin.fetchTopicOffsets(topic));
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}

/** The first offset of each partition that was logged at a time (ms) or later; the next one to be written where none was. */
export async function offsetsAt(admin: Admin, topic: string, time: number): Promise<ReadonlyMap<number, number>> {
  const offsets = await askAgain(() => admin.fetchTopicOffsetsByTimestamp(topic, Math.floor(time)));
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** What a group has committed, by partition; -1 where it has committed nothing. */
export async function committedOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, Pick<FetchOffsetsPartition, "metadata"> & { readonly offset: number }>> {
  const [answer] = await askAgain(() => admin.fetchOffsets({ groupId, topics: [topic] }));
  return new Map(
    answer?.partitions.map(({ partition, offset, metadata }) => [partition, { offset: Number(offset), metadata }]),
  );
}

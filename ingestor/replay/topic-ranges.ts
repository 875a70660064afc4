/** Which ranges of a topic a window needs. */

import type { Admin } from "kafkajs";
import { type Extent, extents, offsetsAt } from "../log/kafka/offsets.ts";
import { MARGIN } from "./compare/comparison.ts";
import type { PartitionRange } from "./read-in-step.ts";

/** A range of a partition, and whether what stood before it has expired. */
export interface TopicRange extends PartitionRange {
  readonly cut: boolean;
}

/** Trades that were fetched enter the log long after they were received, and so does everything after an outage of Kafka: ms. */
const LATE = 10 * 60_000;

/** Of each partition of a topic what may have been received between two times (ms), with a margin. */
export async function partsOf(admin: Admin, topic: string, from: number, to: number): Promise<TopicRange[]> {
  const all = await extents(admin, topic);
  const starts = from > MARGIN ? await offsetsAt(admin, topic, from - MARGIN) : new Map<number, number>();
  const ends = await offsetsAt(admin, topic, to + LATE);
  return all.map(({ partition, low, high }: Extent) => {
    const start = Math.max(low, starts.get(partition) ?? low);
    const end = Math.min(high, ends.get(partition) ?? high);
    return { topic, partition, from: start, to: end, cut: start === low && low > 0 };
  });
}

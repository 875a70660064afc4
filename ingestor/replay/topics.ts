/** The topics of an exchange, and which stretches of them a window needs. */

import type { Admin } from "kafkajs";
import { askAgain } from "../log/kafka/ask-again.ts";
import { names } from "../log/kafka/client.ts";
import { type Extent, extents, offsetsAt } from "../log/kafka/offsets.ts";
import { simulatedPrefix } from "../verify/find-kafka.ts";
import { MARGIN } from "./comparison.ts";
import type { PartitionRange } from "./read-in-step.ts";

/** A stretch of a partition, and whether what stood before it has expired. */
export interface TopicRange extends PartitionRange {
  readonly cut: boolean;
}

/** Trades that were fetched enter the log long after they were received, and so does everything after an outage of Kafka: ms. */
const LATE = 10 * 60_000;

/**
 * The prefix under which a topic exists: the one given, else that and the one of simulated prices.
 *
 * @throws when neither does; says which there are
 */
export async function findPrefix(
  admin: Admin,
  exchange: string,
  kind: "raw" | "ticks",
  { prefix, isGiven }: { readonly prefix: string; readonly isGiven: boolean },
): Promise<string> {
  const topics = await askAgain(() => admin.listTopics());
  const prefixes = isGiven ? [prefix] : [prefix, simulatedPrefix(prefix)];
  const found = prefixes.find((one) => topics.includes(names(one, exchange)[kind]));
  if (found !== undefined) return found;
  const wanted = prefixes.map((one) => names(one, exchange)[kind]).join(" or ");
  const others = topics.filter((topic) => topic.includes(`${kind}.`)).sort();
  throw new Error(
    `there is no topic ${wanted}: ${others.length > 0 ? `there is ${others.join(", ")}` : "nor a similar one"}`,
  );
}

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

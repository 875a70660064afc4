/** How a collector takes a log over: it writes markers of a new term to every partition, and reads the tails before them. */

import type { Admin, Kafka } from "kafkajs";
import { type Authority, OPENING_MARKERS } from "../../../../protocol/log-record.ts";
import { newIncarnation } from "../../../../protocol/position.ts";
import { type Extent, extents, offsetsAt } from "../offsets.ts";
import { PartitionTail } from "../read/partition-tail.ts";
import { readRanges } from "../read/read-range.ts";

/** Records of a partition's end that are read: enough for the ids of everything that was traded lately. */
const TAIL = 5000;
/** ... but for as long as this at least, ms, on a busy exchange. */
const RECENT = 10_000;
/** Records that are read at most, of all partitions: nothing is collected meanwhile. */
const LONGEST_TAIL = 500_000;
/** Memory for their trades, bytes. */
const KEPT = 128 * 1024 * 1024;

/** The tails of all partitions before the takeover, and the authority to take over with. */
export interface Ends {
  readonly tails: readonly PartitionTail[];
  /** The authority of the new collector. */
  readonly next: Authority;
  /** Whether the log has no incarnation yet. */
  readonly isNew: boolean;
}

/** @param atLeast the lowest term to write under */
export async function readEnds(kafka: Kafka, admin: Admin, topic: string, atLeast: number): Promise<Ends> {
  const all = await extents(admin, topic);
  let tails = all.map((extent) => new PartitionTail(extent, tailStart(extent, TAIL), KEPT / all.length));
  await readTails(kafka, topic, tails);
  tails = await lengthenShort(kafka, admin, topic, tails);
  const known = tails.flatMap(({ authority }) => (authority === null ? [] : [authority]));
  const newest = known.sort((a, b) => b.term - a.term)[0];
  const term = Math.max(atLeast, (newest?.term ?? 0) + 1);
  return { tails, next: { incarnation: newest?.incarnation ?? newIncarnation(), term }, isNew: newest === undefined };
}

/** Those that reach back less than {@link RECENT}. */
async function lengthenShort(
  kafka: Kafka,
  admin: Admin,
  topic: string,
  tails: readonly PartitionTail[],
): Promise<PartitionTail[]> {
  const short = tails.filter((tail) => (tail.firstLogged ?? 0) > recentFrom(tail) && tail.start > tail.extent.low);
  const longer = new Map<PartitionTail, PartitionTail>();
  for (const tail of short) {
    const { extent } = tail;
    const offsets = await offsetsAt(admin, topic, Math.max(0, recentFrom(tail)));
    const offset = offsets.get(extent.partition) ?? tail.start;
    const start = Math.max(tailStart(extent, LONGEST_TAIL / short.length), Math.min(tail.start, offset));
    longer.set(tail, new PartitionTail(extent, start, KEPT / short.length));
  }
  await readTails(kafka, topic, [...longer.values()]);
  return tails.map((tail) => longer.get(tail) ?? tail);
}

/** The log time (ms) from which a partition's tail is needed. */
function recentFrom({ lastLogged = 0 }: PartitionTail): number {
  return lastLogged - RECENT;
}

/** Thrown when another collector took the log over at the same moment: only one of equal terms may write. */
class ContestedError extends Error {
  override readonly name = "ContestedError";
}

/** How many markers a partition needs: {@link OPENING_MARKERS} records before its first event, else one. */
export function markersFor({ high }: Extent): number {
  return Math.max(1, OPENING_MARKERS - high);
}

/**
 * Reads on to the new markers: an older collector's last records may have landed just before them.
 *
 * The records are added to the tails of {@link Ends}.
 *
 * @param markers the offset of the last marker we wrote, by partition
 * @throws {ContestedError} when a marker that ours does not outrank stands before ours: its writer holds the log for its own
 */
export async function readUpToMarkers(
  kafka: Kafka,
  topic: string,
  ends: Ends,
  markers: ReadonlyMap<number, number>,
): Promise<void> {
  const before = ends.tails.map(({ authority }) => authority);
  await readTails(kafka, topic, ends.tails, ({ extent }) => ({
    from: extent.high,
    to: (markers.get(extent.partition) ?? -1) + 1 - markersFor(extent),
  }));
  for (const [i, { authority }] of ends.tails.entries()) {
    if (authority === null || authority === before[i]) continue;
    if (authority.incarnation === ends.next.incarnation && authority.term < ends.next.term) continue;
    throw new ContestedError("another collector takes the log over at the same moment");
  }
}

async function readTails(
  kafka: Kafka,
  topic: string,
  tails: readonly PartitionTail[],
  range: (tail: PartitionTail) => { from: number; to: number } = ({ start, extent }) => ({
    from: start,
    to: extent.high,
  }),
): Promise<void> {
  const ranges = tails.map((tail) => ({ partition: tail.extent.partition, ...range(tail) }));
  const byPartition = new Map(tails.map((tail) => [tail.extent.partition, tail]));
  await readRanges(kafka, topic, ranges, async (partition, messages) => {
    await byPartition.get(partition)?.take(messages);
    return true;
  });
}

function tailStart({ low, high }: Extent, length: number): number {
  return Math.max(low, high - length);
}

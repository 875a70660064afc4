/** How a collector takes a log over: markers of a new term to every partition, then what stands before them. */

import type { Admin, Kafka } from "kafkajs";
import { type MarketEvent, marketEvent } from "../../../protocol/events.ts";
import { type Authority, admit, OPENING_MARKERS } from "../../../protocol/log-record.ts";
import { newIncarnation } from "../../../protocol/position.ts";
import type { LogRecord, Tail } from "../log.ts";
import { readRanges } from "./read-range.ts";
import { fromMessage } from "./records.ts";
import { type Extent, extents } from "./topics.ts";

/** Records of a partition's end that are read: enough for the ids of everything that was traded lately. */
const TAIL = 5000;

interface PartitionTail {
  readonly extent: Extent;
  readonly records: LogRecord[];
  authority: Authority | null;
}

/** What the ends of all partitions say before the takeover. */
export interface Ends {
  readonly tails: readonly PartitionTail[];
  /** What the new collector writes under. */
  readonly next: Authority;
  /** Whether the log has no incarnation yet. */
  readonly isNew: boolean;
}

export async function readEnds(kafka: Kafka, admin: Admin, topic: string): Promise<Ends> {
  const tails: PartitionTail[] = (await extents(admin, topic)).map((extent) => ({
    extent,
    records: [],
    authority: null,
  }));
  await readTails(kafka, topic, tails, (extent) => ({ from: tailStart(extent), to: extent.high }));
  const known = tails.flatMap(({ authority }) => (authority === null ? [] : [authority]));
  const newest = known.sort((a, b) => b.term - a.term)[0];
  const next = { incarnation: newest?.incarnation ?? newIncarnation(), term: (newest?.term ?? 0) + 1 };
  return { tails, next, isNew: newest === undefined };
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
 * @param markers the offset of the last marker we wrote, by partition
 * @throws {ContestedError} when a marker that ours does not outrank stands before ours: its writer holds the log for its own
 */
export async function readUpToMarkers(
  kafka: Kafka,
  topic: string,
  ends: Ends,
  markers: ReadonlyMap<number, number>,
): Promise<Tail[]> {
  const before = ends.tails.map(({ authority }) => authority);
  await readTails(kafka, topic, ends.tails, (extent) => ({
    from: extent.high,
    to: (markers.get(extent.partition) ?? -1) + 1 - markersFor(extent),
  }));
  for (const [i, { authority }] of ends.tails.entries()) {
    if (authority === null || authority === before[i]) continue;
    if (authority.incarnation === ends.next.incarnation && authority.term < ends.next.term) continue;
    throw new ContestedError("another collector takes the log over at the same moment");
  }
  return ends.tails.map(tailOf);
}

function tailOf({ extent, records }: PartitionTail): Tail {
  const events = records.flatMap((record): MarketEvent[] => {
    const parsed = record.origin.kind === "event" ? marketEvent.safeParse(JSON.parse(record.value)) : undefined;
    return parsed?.success ? [parsed.data] : [];
  });
  const whole = tailStart(extent) === 0;
  const oldest = records[0]?.logged;
  // Where everything has expired, all of it may have been in the log.
  const completeFrom = whole ? 0 : (oldest ?? Date.now());
  const last = records.findLast(({ type }) => type === "trade" || type === "ticker");
  const lastEvent = events.findLast(({ type }) => type === "trade" || type === "ticker");
  // A tail of nothing but statuses: the last event is older than all of them.
  const completeUntil = lastEvent?.received ?? last?.logged ?? (whole ? null : (oldest ?? null));
  return { events, completeFrom, completeUntil };
}

async function readTails(
  kafka: Kafka,
  topic: string,
  tails: readonly PartitionTail[],
  range: (extent: Extent) => { from: number; to: number },
): Promise<void> {
  const ranges = tails.map(({ extent }) => ({ partition: extent.partition, ...range(extent) }));
  const byPartition = new Map(tails.map((tail) => [tail.extent.partition, tail]));
  await readRanges(kafka, topic, ranges, (partition, messages) => {
    const tail = byPartition.get(partition);
    for (const record of messages.map(fromMessage)) {
      if (tail === undefined || record === undefined) continue;
      const verdict = admit(tail.authority, record.origin, record.offset, tailStart(tail.extent));
      tail.authority = verdict.authority;
      if (verdict.counts) tail.records.push(record);
    }
    return true;
  });
}

function tailStart({ low, high }: Extent): number {
  return Math.max(low, high - TAIL);
}

/** How a collector takes a log over: markers of a new term to every partition, then what stands before them. */

import type { Admin, Kafka } from "kafkajs";
import { z } from "zod";
import { type MarketEvent, marketEvent } from "../../../protocol/events.ts";
import { type Authority, admit, OPENING_MARKERS } from "../../../protocol/log-record.ts";
import { newIncarnation } from "../../../protocol/position.ts";
import { reliedTime } from "../../event-time.ts";
import type { LogRecord, Tail } from "../log.ts";
import { type Extent, extents, offsetsAt } from "./offsets.ts";
import { readRanges } from "./read-range.ts";
import { fromMessage } from "./records.ts";

/** Records of a partition's end that are read: enough for the ids of everything that was traded lately. */
const TAIL = 5000;
/** ... but for as long as this at least, ms, on a busy exchange. */
const RECENT = 10_000;
/** What was being fetched when the last collector died is told from what the log had then; its clock and ours differ, ms. */
const HEALING_MARGIN = 5000;
/** Records that are read at most: what is before them is not told from what is fetched, and counts as lost. */
const LONGEST_TAIL = 1_000_000;

interface PartitionTail {
  readonly extent: Extent;
  /** The first offset that is read. */
  start: number;
  records: LogRecord[];
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

/** @param atLeast the lowest term to write under */
export async function readEnds(kafka: Kafka, admin: Admin, topic: string, atLeast: number): Promise<Ends> {
  const tails = (await extents(admin, topic)).map((extent): PartitionTail => {
    return { extent, start: tailStart(extent, TAIL), records: [], authority: null };
  });
  await readTails(kafka, topic, tails);
  await readFurtherBack(kafka, admin, topic, tails);
  const known = tails.flatMap(({ authority }) => (authority === null ? [] : [authority]));
  const newest = known.sort((a, b) => b.term - a.term)[0];
  const term = Math.max(atLeast, (newest?.term ?? 0) + 1);
  return { tails, next: { incarnation: newest?.incarnation ?? newIncarnation(), term }, isNew: newest === undefined };
}

async function readFurtherBack(kafka: Kafka, admin: Admin, topic: string, tails: PartitionTail[]): Promise<void> {
  const earlier = tails.filter(
    (tail) => (tail.records[0]?.logged ?? 0) > wantedFrom(tail) && tail.start > tail.extent.low,
  );
  if (earlier.length === 0) return;
  const since = Math.max(0, Math.min(...earlier.map(wantedFrom)));
  const offsets = await offsetsAt(admin, topic, since);
  for (const tail of earlier) {
    const { partition } = tail.extent;
    const offset = offsets.get(partition) ?? tail.start;
    tail.start = Math.max(tailStart(tail.extent, LONGEST_TAIL), Math.min(tail.start, offset));
    tail.records = [];
    tail.authority = null;
  }
  await readTails(kafka, topic, earlier);
}

/** The log time (ms) from which a partition's tail is needed. */
function wantedFrom({ records }: PartitionTail): number {
  const { healing } = lastStatus(records);
  const recent = (records.at(-1)?.logged ?? 0) - RECENT;
  return healing === undefined ? recent : Math.min(recent, healing - HEALING_MARGIN);
}

function lastStatus(records: readonly LogRecord[]): z.infer<typeof loggedStatus> {
  const status = records.findLast(({ type }) => type === "status");
  return status === undefined ? {} : loggedStatus.parse(JSON.parse(status.value));
}

const loggedStatus = z.object({ healing: z.number().optional(), doubted: z.number().optional() });

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
  await readTails(kafka, topic, ends.tails, ({ extent }) => ({
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

function tailOf({ extent, records, start }: PartitionTail): Tail {
  const events = records.flatMap((record): MarketEvent[] => {
    const parsed = record.origin.kind === "event" ? marketEvent.safeParse(JSON.parse(record.value)) : undefined;
    return parsed?.success ? [parsed.data] : [];
  });
  const whole = start === 0 && extent.low === 0;
  const oldest = records[0]?.logged;
  // Where everything has expired, all of it may have been in the log.
  const completeFrom = whole ? 0 : (oldest ?? Date.now());
  // A tail of nothing but statuses: the last event is older than all of them.
  const until = lastTraded(events) ?? (whole ? null : (oldest ?? null));
  // What the last collector still had in doubt is for us to find out.
  const { doubted } = lastStatus(records);
  const completeUntil = until === null || doubted === undefined ? until : Math.min(until, doubted);
  return { events, completeFrom, completeUntil };
}

/** On the exchange's clock, as the times in its history are; where nothing was traded, when something was received at all. */
function lastTraded(events: readonly MarketEvent[]): number | undefined {
  const times = events.flatMap((event) => (event.type === "trade" ? [reliedTime(event)] : []));
  if (times.length > 0) return times.reduce((last, time) => Math.max(last, time));
  const ticker = events.findLast(({ type }) => type === "ticker");
  return ticker?.received ?? undefined;
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
  await readRanges(kafka, topic, ranges, (partition, messages) => {
    const tail = byPartition.get(partition);
    for (const record of messages.map(fromMessage)) {
      if (tail === undefined || record === undefined) continue;
      const verdict = admit(tail.authority, record.origin, record.offset, tail.start);
      tail.authority = verdict.authority;
      if (verdict.counts) tail.records.push(record);
    }
    return true;
  });
}

function tailStart({ low, high }: Extent, length: number): number {
  return Math.max(low, high - length);
}

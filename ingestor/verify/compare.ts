/** Compares what a client recorded of a `trade` stream with the log itself: from the log to the client, nothing less, nothing more. */

import type { MarketEvent } from "../../protocol/events.ts";
import { gapOf } from "../../protocol/events.ts";
import type { DataItem } from "../../protocol/frames.ts";

/** An event of the log that counts. */
export interface Logged {
  readonly seq: number;
  readonly event: MarketEvent;
}

/** Items of one stream and epoch that the recording claims to be complete. */
export interface ContinuousRun {
  readonly instrument: string;
  readonly epoch: string;
  /** Everything after this ... */
  readonly from: number;
  /** ... up to and with this must be in the recording. */
  readonly to: number;
  readonly items: readonly DataItem[];
  /** The first item: it counts no event, but the trades it shows must be in the log too. */
  readonly snapshot?: DataItem;
}

/** Cuts a recording of `trade` streams into continuous runs: a snapshot begins a new one. */
export function continuousRuns(items: readonly DataItem[]): ContinuousRun[] {
  const streams = new Map<string, DataItem[][]>();
  for (const item of items) {
    if (item.trades === undefined && item.gap === undefined) continue;
    const runs = streams.get(item.stream) ?? [];
    streams.set(item.stream, runs);
    const run = runs.at(-1);
    if (run === undefined || item.snapshot || run[0]?.epoch !== item.epoch) runs.push([item]);
    else run.push(item);
  }
  return [...streams.values()].flat().flatMap((run): ContinuousRun[] => {
    const first = run[0];
    if (first === undefined) return [];
    const { instrument, epoch } = first;
    // Not the last one's: they may be out of order.
    const to = run.reduce((max, { seq }) => Math.max(max, seq), 0);
    return first.snapshot
      ? [{ instrument, epoch, from: first.seq, to, items: run.slice(1), snapshot: first }]
      : [{ instrument, epoch, from: first.prev, to, items: run }];
  });
}

/** The differences, one line each; empty when the recording equals the log. */
export function compare(run: ContinuousRun, log: readonly Logged[]): string[] {
  const ours = log
    .filter(({ event }) => event.type !== "ticker" && event.instrument === run.instrument)
    .map(({ seq, event }) => ({ seq, text: textOf(event) }));
  const inLog = new Map(ours.map(({ seq, text }) => [seq, text]));
  // A gap of cause `epoch_changed` is the feed's own: the log it tells of is gone.
  const got = run.items.filter(({ gap }) => gap?.cause !== "epoch_changed").flatMap(recorded);
  const shown = run.snapshot === undefined ? [] : recorded(run.snapshot);
  const problems = [...chainProblems(run), ...countProblems(run)];
  const seen = new Set<number>();
  let before = run.from;
  for (const { seq, text } of got) {
    if (seen.has(seq)) problems.push(`${seq} came twice`);
    else if (seq <= before) problems.push(`${seq} came after ${before}`);
    problems.push(...valueProblems(seq, text, inLog));
    seen.add(seq);
    before = seq;
  }
  // The last trade of a quiet coin may be older than what the log still holds.
  const kept = shown.filter(({ seq }) => seq >= (log[0]?.seq ?? Number.POSITIVE_INFINITY));
  for (const { seq, text } of kept) problems.push(...valueProblems(seq, text, inLog));
  for (const { seq, text } of ours) {
    if (seq > run.from && seq <= run.to && !seen.has(seq)) problems.push(`${seq} is missing: ${text}`);
  }
  return problems;
}

function valueProblems(seq: number, text: string, inLog: ReadonlyMap<number, string>): string[] {
  const logged = inLog.get(seq);
  if (logged === undefined) return [`${seq} is not in the log: ${text}`];
  return logged === text ? [] : [`${seq} differs: log ${logged}, recorded ${text}`];
}

function countProblems({ items }: ContinuousRun): string[] {
  return items.flatMap(({ seq, n, trades = [] }) => {
    const problems = n === trades.length ? [] : [`${seq} counts ${n} events and has ${trades.length} trades`];
    const newest = trades.at(-1);
    if (newest !== undefined && newest.seq !== seq) problems.push(`${seq} ends with the trade ${newest.seq}`);
    return problems;
  });
}

function chainProblems({ from, items }: ContinuousRun): string[] {
  let before = from;
  return items.flatMap(({ prev, seq }) => {
    const broken = prev === before ? [] : [`${seq} names ${prev} as the item before it, which was ${before}`];
    before = seq;
    return broken;
  });
}

function recorded(item: DataItem): { seq: number; text: string }[] {
  if (item.gap !== undefined) return [{ seq: item.seq, text: JSON.stringify(item.gap) }];
  return (item.trades ?? []).map(({ seq, id, price, size, side, time, late }) => ({
    seq,
    text: JSON.stringify({ id, price, size, side, time, late: late ?? false }),
  }));
}

function textOf(event: MarketEvent): string {
  if (event.type === "gap") return JSON.stringify(gapOf(event));
  if (event.type === "ticker") return "";
  const { id, price, size, side, time, late } = event;
  return JSON.stringify({ id, price, size, side, time, late: late ?? false });
}

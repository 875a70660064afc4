/** Compares what a client recorded of a `trade` stream with the log itself: from the log to the client, nothing less, nothing more. */

import type { MarketEvent } from "../../protocol/events.ts";
import { gapOf } from "../../protocol/events.ts";
import type { DataItem } from "../../protocol/frames.ts";

/** An event of the log that counts. */
export interface Logged {
  readonly seq: number;
  readonly event: MarketEvent;
}

/** A stretch of one stream in one epoch that the recording claims to be complete. */
export interface Stretch {
  readonly instrument: string;
  readonly epoch: string;
  /** Everything after this ... */
  readonly from: number;
  /** ... up to and with this must be in the recording. */
  readonly to: number;
  readonly items: readonly DataItem[];
}

/** Cuts a recording of `trade` streams into stretches: a snapshot begins a new one. */
export function stretches(items: readonly DataItem[]): Stretch[] {
  const streams = new Map<string, DataItem[][]>();
  for (const item of items) {
    if (item.trades === undefined && item.gap === undefined) continue;
    const runs = streams.get(item.stream) ?? [];
    streams.set(item.stream, runs);
    const run = runs.at(-1);
    if (run === undefined || item.snapshot || run[0]?.epoch !== item.epoch) runs.push([item]);
    else run.push(item);
  }
  return [...streams.values()].flat().flatMap((run): Stretch[] => {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return [];
    const from = first.snapshot ? first.seq : first.prev;
    const rest = first.snapshot ? run.slice(1) : run;
    return [{ instrument: first.instrument, epoch: first.epoch, from, to: last.seq, items: rest }];
  });
}

/** What differs, one line each; empty when the recording is what the log holds. */
export function compare(stretch: Stretch, log: readonly Logged[]): string[] {
  const wanted = log
    .filter(
      ({ seq, event }) =>
        seq > stretch.from && seq <= stretch.to && event.type !== "ticker" && event.instrument === stretch.instrument,
    )
    .map(({ seq, event }) => ({ seq, text: textOf(event) }));
  // A gap of cause `epoch_changed` is the feed's own: the log it tells of is gone.
  const got = stretch.items.filter(({ gap }) => gap?.cause !== "epoch_changed").flatMap(recorded);
  const problems = chainProblems(stretch);
  const inLog = new Map(wanted.map(({ seq, text }) => [seq, text]));
  const seen = new Set<number>();
  let before = stretch.from;
  for (const { seq, text } of got) {
    if (seen.has(seq)) problems.push(`${seq} came twice`);
    else if (seq < before) problems.push(`${seq} came after ${before}`);
    if (!inLog.has(seq)) problems.push(`${seq} is not in the log`);
    else if (inLog.get(seq) !== text) problems.push(`${seq} differs: log ${inLog.get(seq)}, recorded ${text}`);
    seen.add(seq);
    before = seq;
  }
  for (const { seq, text } of wanted) if (!seen.has(seq)) problems.push(`${seq} is missing: ${text}`);
  return problems;
}

function chainProblems({ from, items }: Stretch): string[] {
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

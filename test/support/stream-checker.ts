/**
 * What a client of many streams is given, on all of its connections: written down, each frame checked as anyone can
 * (PROTOCOL.md §4), and compared with the log in the end.
 */

import type { PartitionLog } from "../../ingestor/verify/read-log.ts";
import type { DataItem } from "../../protocol/frames.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import { type MultiServerFrame, multiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { covers, isPattern, parsePattern } from "../../protocol/pattern.ts";
import { until } from "./until.ts";

type Subscribed = Extract<MultiServerFrame, { op: "subscribed" }>;

/** A stretch of an epoch of which the client has everything: behind `from`, up to `to`. */
interface Stretch {
  readonly from: number;
  to: number;
}

export class StreamChecker {
  readonly faults: string[] = [];
  /** Epochs that it had a position of, and was not taken on from. */
  readonly begunAnew: string[] = [];
  readonly frames: MultiServerFrame[] = [];
  readonly subscribed: Subscribed[] = [];
  readonly positions = new Map<string, number>();
  /** How often it was told its position, by epoch. */
  readonly #tellings = new Map<string, number>();
  /** Of trades and gaps, by epoch and stream: what came, once each. */
  readonly #got = new Map<string, number[]>();
  readonly #last = new Map<string, number>();
  /** By instrument and stream of tickers: the epoch and seq of the last item. */
  readonly #tickers = new Map<string, string>();
  /** By epoch and stream: where a named stream of trades began, with its snapshot. */
  readonly #snapshots = new Map<string, number>();
  readonly #stretches = new Map<string, Stretch[]>();
  readonly streams: readonly string[];

  /** @param streams names and wildcards, canonical */
  constructor(streams: readonly string[]) {
    this.streams = streams;
  }

  /** Resolves when it has been subscribed so many times. */
  async ready(times = 1): Promise<void> {
    await until(() => this.subscribed.length >= times, `${this.streams.join()} subscribed ${times} times`);
  }

  /** Resolves when it has been told its position in every epoch once more: what it was being sent again has come. */
  async told(): Promise<void> {
    const before = new Map(this.#tellings);
    const isTold = (epoch: string) => (this.#tellings.get(epoch) ?? 0) > (before.get(epoch) ?? 0);
    await until(() => [...this.positions.keys()].every(isTold), `${this.streams.join()} told its positions`);
  }

  get trades(): number {
    return [...this.#got.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** @param text a frame as JSON */
  take(text: string): void {
    const parsed = multiServerFrame.safeParse(JSON.parse(text));
    if (!parsed.success) {
      this.faults.push(`not a frame: ${text.slice(0, 300)}`);
      return;
    }
    const frame = parsed.data;
    if (frame.op !== "data") this.frames.push(frame);
    if (frame.op === "subscribed") this.#begin(frame);
    if (frame.op !== "data") return;
    for (const item of frame.data) this.#item(item);
    for (const [epoch, seq] of Object.entries(frame.positions ?? {})) this.#tell(epoch, seq);
  }

  /** What the log has in the client's stretches and the client has not, or otherwise. */
  compare(logs: readonly PartitionLog[]): string[] {
    const wrong = [...this.faults];
    for (const [epoch, stretches] of this.#stretches) {
      const log = logs.find((one) => one.epoch === epoch);
      if (log === undefined) wrong.push(`there is no log ${epoch}`);
      for (const name of this.streams.filter((one) => one.includes("@trade@"))) {
        if (log !== undefined) wrong.push(...this.#compare(name, log, stretches));
      }
    }
    return wrong;
  }

  /** Streams of tickers of which it has not the newest of a log to which nothing is added any more. */
  stale(logs: readonly PartitionLog[]): string[] {
    const newest = new Map<string, string>();
    for (const { epoch, events } of logs) {
      for (const { seq, event } of events) if (event.type === "ticker") newest.set(event.instrument, `${epoch}/${seq}`);
    }
    return this.streams
      .filter((name) => name.includes("@ticker@"))
      .flatMap((name) =>
        [...newest].flatMap(([instrument, position]) => {
          const stream = `${instrument}${name.slice(name.indexOf("@"))}`;
          const last = this.#tickers.get(stream);
          return !standsFor(name, instrument) || last === position ? [] : [`${stream}: ${last}, not ${position}`];
        }),
      );
  }

  /** How many events of the log it has been proved to have. */
  proved(logs: readonly PartitionLog[]): number {
    const within = ({ epoch, events }: PartitionLog) =>
      events.filter(({ seq }) => (this.#stretches.get(epoch) ?? []).some(({ from, to }) => seq > from && seq <= to));
    return logs.reduce((sum, log) => sum + within(log).filter(({ event }) => event.type !== "ticker").length, 0);
  }

  #compare(name: string, { epoch, events }: PartitionLog, stretches: readonly Stretch[]): string[] {
    const suffix = name.slice(name.indexOf("@"));
    const expected = new Map<string, number[]>();
    for (const { seq, event } of events) {
      if (event.type === "ticker" || !standsFor(name, event.instrument)) continue;
      if (!stretches.some(({ from, to }) => seq > from && seq <= to)) continue;
      const key = `${epoch}/${event.instrument}${suffix}`;
      if (seq > (this.#snapshots.get(key) ?? 0)) expected.set(key, [...(expected.get(key) ?? []), seq]);
    }
    return [...expected].flatMap(([key, seqs]) => {
      const first = this.#snapshots.get(key) ?? 0;
      const within = (seq: number) => seq > first && stretches.some(({ from, to }) => seq > from && seq <= to);
      const got = (this.#got.get(key) ?? []).filter(within);
      if (got.join() === seqs.join()) return [];
      const missing = seqs.filter((seq) => !got.includes(seq));
      return [`${key}: ${missing.length} missing (${missing.slice(0, 5)}), ${got.length} of ${seqs.length}`];
    });
  }

  #begin(frame: Subscribed): void {
    this.subscribed.push(frame);
    for (const { requested, error } of frame.failed) {
      if (!error.retryable) this.faults.push(`${requested}: ${error.message}`);
    }
    for (const [epoch, seq] of Object.entries(frame.positions ?? {})) {
      const known = this.positions.get(epoch);
      // Where it could not go on, it begins a stretch anew.
      const goesOn = known !== undefined && seq <= known;
      if (known !== undefined && !goesOn) this.begunAnew.push(`${epoch}: at ${seq} after ${known}`);
      if (!goesOn) this.#stretches.set(epoch, [...(this.#stretches.get(epoch) ?? []), { from: seq, to: seq }]);
      this.positions.set(epoch, seq);
    }
  }

  #item(item: DataItem): void {
    const key = `${item.epoch}/${item.stream}`;
    const last = this.#last.get(key);
    if (item.snapshot !== true) {
      const bound = Math.max(last ?? -1, this.positions.get(item.epoch) ?? -1);
      if (item.prev > bound) this.faults.push(`${key}: prev ${item.prev} above ${bound}`);
    }
    this.#last.set(key, Math.max(last ?? 0, item.seq));
    if (item.ticker !== undefined) {
      this.#tickers.set(item.stream, `${item.epoch}/${item.seq}`);
      return;
    }
    if (item.snapshot === true) {
      if (last !== undefined && item.seq > last) this.faults.push(`${key}: a snapshot at ${item.seq} after ${last}`);
      this.#snapshots.set(key, this.#snapshots.get(key) ?? item.seq);
      return;
    }
    const seqs = item.gap === undefined ? (item.trades ?? []).map(({ seq }) => seq) : [item.seq];
    const got = this.#got.get(key) ?? [];
    this.#got.set(key, got);
    got.push(...seqs.filter((seq) => seq > (got.at(-1) ?? 0)));
  }

  #tell(epoch: string, seq: number): void {
    const before = this.positions.get(epoch);
    if (before !== undefined && seq < before) this.faults.push(`${epoch}: position ${seq} told after ${before}`);
    this.positions.set(epoch, seq);
    this.#tellings.set(epoch, (this.#tellings.get(epoch) ?? 0) + 1);
    const stretches = this.#stretches.get(epoch) ?? [{ from: seq, to: seq }];
    this.#stretches.set(epoch, stretches);
    const stretch = stretches.at(-1);
    if (stretch !== undefined) stretch.to = Math.max(stretch.to, seq);
  }
}

function standsFor(name: string, instrument: string): boolean {
  if (!isPattern(name)) return name.startsWith(`${instrument}@`);
  return covers(parsePattern(name), parseInstrument(instrument));
}

/**
 * A client that believes nothing: it checks each frame by PROTOCOL.md §4 as anyone can, and, since it may look into the log,
 * that what it was told is true and that it has everything, once and in order.
 */

import type { DataItem } from "../../../protocol/frames.ts";
import { parseInstrument } from "../../../protocol/instrument.ts";
import { type MultiServerFrame, multiServerFrame } from "../../../protocol/multi-stream-frames.ts";
import { covers, isPattern, parsePattern } from "../../../protocol/pattern.ts";
import { INSTRUMENTS } from "./simulated-feeds.ts";

/** The seqs of an instrument's trades and gaps in the log of an epoch; undefined once that log has ended. */
export type LogView = (epoch: string, instrument: string) => readonly number[] | undefined;

type Subscribed = Extract<MultiServerFrame, { op: "subscribed" }>;

/** One trade subscription's beginning, by epoch: everything of the log behind it is owed. */
type Starts = Map<string, number>;

export class CheckingClient {
  readonly #log: LogView;
  /** Of this connection: what the check of §4 goes by. */
  #seen = new Map<string, number>();
  told = new Map<string, number>();
  /** Trade subscriptions and where they began. */
  readonly starts = new Map<string, Starts>();
  /** Every subscription. */
  readonly names = new Set<string>();
  /** Of all connections: what has come of each stream of an epoch, in order. */
  readonly #got = new Map<string, number[]>();
  /** By stream of an epoch: the position of its own that it has resumed from, and so has everything up to. */
  readonly #claimed = new Map<string, number>();
  /** Of all connections: the newest ticker of each stream. */
  readonly tickers = new Map<string, string>();
  byStream = false;
  /** It can't ask again for what fails: the relay does. */
  unattended = false;
  /** Epochs of which this connection has been told a position live. */
  #lived = new Set<string>();
  /** What was subscribed on this connection. */
  #active = new Set<string>();

  constructor(log: LogView) {
    this.#log = log;
  }

  /** A new connection, that names `from`, or a position of each stream. */
  reconnect(from: ReadonlyMap<string, number>, byStream = false): void {
    this.byStream = byStream;
    // Of a log of which it names no position it has to begin anew.
    if (!byStream) {
      for (const starts of this.starts.values())
        for (const epoch of starts.keys()) if (!from.has(epoch)) starts.delete(epoch);
    }
    this.#seen = new Map();
    this.told = new Map(from);
    this.#active = new Set();
    this.#lived = new Set();
  }

  /** How many trades and gaps it has had in all. */
  get count(): number {
    return [...this.#got.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** The last seq that it knows of a stream of the epoch. */
  lastOf(stream: string, epoch: string): number | undefined {
    return this.#got.get(`${epoch}/${stream}`)?.at(-1) ?? this.starts.get(stream)?.get(epoch);
  }

  /** What has come of a subscription counts no longer, but for what has come under another name as well. */
  beginAnew(name: string): void {
    this.starts.delete(name);
    for (const key of this.#got.keys()) {
      const stream = key.slice(key.indexOf("/", key.indexOf("/") + 1) + 1);
      const others = [...this.names].filter((other) => other !== name && !isPattern(other));
      if (standsForStream(name, stream) && !others.includes(stream)) this.#got.delete(key);
    }
  }

  forget(name: string): void {
    this.names.delete(name);
    this.starts.delete(name);
  }

  take(text: string): void {
    const frame = multiServerFrame.parse(JSON.parse(text));
    if (frame.op === "subscribed") this.#subscribed(frame);
    if (frame.op === "unsubscribed") for (const name of frame.streams) this.forget(name);
    if (frame.op !== "data") return;
    const items = frame.data.filter(({ snapshot }) => snapshot !== true).map(({ stream, seq }) => `${stream} ${seq}`);
    if (new Set(items).size < items.length) throw new Error(`an item comes twice in a frame: ${items.join()}`);
    for (const item of frame.data) this.#item(item);
    for (const [epoch, seq] of Object.entries(frame.positions ?? {})) this.#tell(epoch, seq);
  }

  /** What it lacks of the log so far. */
  missing(upTo: (epoch: string) => number = () => Number.MAX_SAFE_INTEGER): string[] {
    const missing: string[] = [];
    for (const [name, starts] of this.starts) {
      for (const [epoch, start] of starts) {
        for (const instrument of Object.keys(INSTRUMENTS)) {
          if (!standsFor(name, instrument)) continue;
          const stream = `${instrument}${name.slice(name.indexOf("@"))}`;
          const got = new Set(this.#got.get(`${epoch}/${stream}`) ?? []);
          for (const seq of this.#log(epoch, instrument) ?? []) {
            if (
              seq > Math.max(start, this.#claimed.get(`${epoch}/${stream}`) ?? 0) &&
              seq <= upTo(epoch) &&
              !got.has(seq)
            )
              missing.push(`${epoch}/${stream}/${seq}`);
          }
        }
      }
    }
    return missing;
  }

  #subscribed(frame: Subscribed): void {
    // What could not be resumed is given up, here; a reader that can't ask again still has it coming.
    for (const { requested, error } of frame.failed) {
      const comes = this.unattended && error.retryable;
      if (!comes && !this.#active.has(requested)) this.forget(requested);
    }
    for (const [epoch, seq] of Object.entries(frame.positions ?? {})) this.told.set(epoch, seq);
    for (const one of frame.streams) {
      this.names.add(one.stream);
      this.#active.add(one.stream);
      if (!one.stream.includes("@trade@")) continue;
      const starts = this.starts.get(one.stream) ?? new Map();
      this.starts.set(one.stream, starts);
      if ("matches" in one) this.#beginWildcard(one.recovered ?? {}, frame.positions ?? {}, starts, one.stream);
      else if (one.epoch !== undefined && one.recovered !== true) {
        const start = one.seq > 0 ? one.seq : (frame.positions?.[one.epoch] ?? 0);
        starts.clear();
        starts.set(one.epoch, start);
      } else if (one.epoch !== undefined) {
        starts.set(one.epoch, starts.get(one.epoch) ?? one.seq);
        if (this.byStream) this.#claimed.set(`${one.epoch}/${one.stream}`, one.seq);
        this.#seen.set(
          `${one.epoch}/${one.stream}`,
          Math.max(one.seq, this.#seen.get(`${one.epoch}/${one.stream}`) ?? 0),
        );
      }
    }
  }

  #beginWildcard(
    recovered: Readonly<Record<string, unknown>>,
    positions: Readonly<Record<string, number>>,
    starts: Starts,
    name: string,
  ): void {
    for (const [epoch, seq] of Object.entries(positions)) {
      if (!standsInEpoch(name, epoch)) continue;
      const known = starts.get(epoch);
      // What was left of a log that has ended can't be had any more.
      const partition = epoch.slice(0, epoch.lastIndexOf("-"));
      for (const other of starts.keys()) {
        if (other !== epoch && other.startsWith(`${partition}-`) && !this.#lived.has(other)) starts.delete(other);
      }
      if (recovered[epoch] === true && known !== undefined) continue;
      if (recovered[epoch] === undefined && known !== undefined && this.told.has(epoch) && known <= seq) continue;
      starts.set(epoch, seq);
    }
  }

  #item(item: DataItem): void {
    const key = `${item.epoch}/${item.stream}`;
    if (!this.#wants(item.stream)) throw new Error(`${item.stream} was not asked for`);
    const seen = this.#seen.get(key);
    if (item.snapshot !== true) {
      const bound = Math.max(seen ?? -1, item.ticker === undefined ? (this.told.get(item.epoch) ?? -1) : -1);
      if (item.prev > bound) {
        throw new Error(`${key}: prev ${item.prev} is above ${seen} seen and ${this.told.get(item.epoch)} told`);
      }
    }
    this.#seen.set(key, Math.max(seen ?? 0, item.seq));
    if (item.ticker !== undefined) this.tickers.set(item.stream, `${item.epoch}/${item.seq}`);
    if (item.snapshot) return;
    const seqs = item.gap === undefined ? (item.trades ?? []).map(({ seq }) => seq) : [item.seq];
    const got = this.#got.get(key) ?? [];
    this.#got.set(key, got);
    // What is not above the last one has come already; it must have, or it comes out of order.
    for (const seq of seqs) {
      if (seq > (got.at(-1) ?? 0)) got.push(seq);
      else if (!got.includes(seq)) {
        if (this.#owes(item.stream, item.epoch, seq)) throw new Error(`${key}: ${seq} comes late`);
        // It is from before the stream began under another name.
        got.unshift(seq);
      }
    }
  }

  /** Whether everything that the client has subscribed to had begun before that trade, so that it must have come before. */
  #owes(stream: string, epoch: string, seq: number): boolean {
    const instrument = stream.slice(0, stream.indexOf("@"));
    const suffix = stream.slice(stream.indexOf("@"));
    const under = [...this.starts].filter(([name]) => name.endsWith(suffix) && standsFor(name, instrument));
    return under.every(([, starts]) => seq > (starts.get(epoch) ?? Number.MAX_SAFE_INTEGER));
  }

  #tell(epoch: string, seq: number): void {
    const before = this.told.get(epoch);
    if (before !== undefined && seq < before) throw new Error(`${epoch}: position ${seq} told after ${before}`);
    this.told.set(epoch, seq);
    this.#lived.add(epoch);
    for (const [name, starts] of this.starts)
      if (!starts.has(epoch) && standsInEpoch(name, epoch)) starts.set(epoch, seq);
    const missing = this.missing((one) => (one === epoch ? seq : 0));
    if (missing.length > 0) throw new Error(`position ${seq} of ${epoch} was told without ${missing.join()}`);
  }

  #wants(stream: string): boolean {
    const instrument = stream.slice(0, stream.indexOf("@"));
    return [...this.names].some(
      (name) => name.endsWith(stream.slice(stream.indexOf("@"))) && standsFor(name, instrument),
    );
  }
}

function standsFor(name: string, instrument: string): boolean {
  if (!isPattern(name)) return name.startsWith(`${instrument}@`);
  return covers(parsePattern(name), parseInstrument(instrument));
}

function standsForStream(name: string, stream: string): boolean {
  const at = stream.indexOf("@");
  return name.endsWith(stream.slice(at)) && standsFor(name, stream.slice(0, at));
}

/** Whether a subscription has streams of an epoch, which is named `upbit/0-3` here. */
export function standsInEpoch(name: string, epoch: string): boolean {
  return Object.entries(INSTRUMENTS).some(
    ([instrument, partition]) => epoch.startsWith(`${partition}-`) && standsFor(name, instrument),
  );
}

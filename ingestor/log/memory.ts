/**
 * The log where there is no Kafka: collector and pusher joined in one process. It holds what is not acked yet and a bounded
 * stretch before that, and it dies with the process: a new one is a new epoch, which every client is told with a gap.
 */

import { EventEmitter, once } from "node:events";
import type { GapEvent, MarketEvent } from "../../protocol/events.ts";
import { type Authority, OPENING_MARKERS } from "../../protocol/log-record.ts";
import { epochOf, newIncarnation } from "../../protocol/position.ts";
import { reliedTime } from "../event-time.ts";
import { ByteBudget, type ByteShare } from "./byte-budget.ts";
import type { Commit, LoggedStatus, LogHandlers, LogRecord, RawFrame, Tail, TickReader, TickWriter } from "./log.ts";

/** What the logs of all exchanges may hold, bytes: a feed that is further behind than its log's part gets a gap. */
const BUDGET = new ByteBudget(512 * 1024 * 1024);
/** What a record takes beside its text. */
const OVERHEAD = 200;
/** How much of a full log is let go at once: little would mean to move the rest all the time. */
const SPARE = 1 / 4;
const PARTITION = 0;

export class MemoryLog implements TickWriter, TickReader {
  #authority: Authority = { incarnation: `direct-${newIncarnation()}`, term: 0 };
  #lastEvent: number | null = null;
  /** A later collector of this process goes on with them. */
  readonly #openGaps = new Map<string, MarketEvent>();
  readonly #changed = new EventEmitter();
  /** Of what is not committed: that must be kept. */
  readonly #share: ByteShare;
  #records: LogRecord[] = [];
  /** Of all records. */
  #bytes = 0;
  /** The offset of the first record kept; the opening markers are never stored. */
  #first: number = OPENING_MARKERS;
  #committed: number = OPENING_MARKERS;
  #read: number = OPENING_MARKERS;
  #paused = false;
  #stopped = false;
  readonly reachable = true;

  constructor(budget: ByteBudget = BUDGET) {
    this.#share = budget.share();
  }

  get #next(): number {
    return this.#first + this.#records.length;
  }

  get #epoch(): string {
    return epochOf(this.#authority.incarnation, PARTITION);
  }

  /** Full of what the pusher has not got rid of yet. */
  get overloaded(): boolean {
    return this.#share.isFull;
  }

  get term(): number {
    return this.#authority.term;
  }

  /** Nobody else can write it. */
  readonly superseded: Promise<void> = new Promise(() => undefined);

  get bytes(): number {
    return this.#share.bytes;
  }

  get lag(): number {
    return this.#next - this.#read;
  }

  get voided(): number {
    return 0;
  }

  async open(atLeast: number): Promise<readonly Tail[]> {
    this.#authority = { ...this.#authority, term: Math.max(this.#authority.term + 1, atLeast) };
    // Which trades it has had is not remembered: what is fetched of that time can't be judged.
    const completeFrom = this.#lastEvent === null ? 0 : Date.now();
    return [{ events: [...this.#openGaps.values()], completeFrom, completeUntil: this.#lastEvent }];
  }

  /** Of what has been here before nothing but the open gaps is remembered. */
  async readBack(): Promise<void> {
    return;
  }

  partitionOf(): number {
    return PARTITION;
  }

  append(event: MarketEvent): void {
    if (event.type === "trade") this.#lastEvent = Math.max(this.#lastEvent ?? 0, reliedTime(event));
    if (event.type === "gap") this.#rememberGap(event);
    this.#push("event", event.type, event.instrument, JSON.stringify(event));
  }

  announce(status: LoggedStatus): void {
    this.#push("status", "status", "status", JSON.stringify(status));
  }

  /** Raw frames are kept for replay, which needs a log that outlives the process. */
  appendRaw(_frame: RawFrame): void {
    return;
  }

  async confirmed(): Promise<void> {
    return;
  }

  async flushed(): Promise<void> {
    return;
  }

  async close(): Promise<void> {
    await this.stop();
  }

  async start(handlers: LogHandlers): Promise<void> {
    handlers.assigned(PARTITION);
    void this.#deliver(handlers);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    for (const { offset } of commits) {
      const done = this.#records.slice(this.#committed - this.#first, Math.max(0, offset - this.#first));
      this.#share.bytes -= bytesOf(done);
      this.#committed = Math.max(this.#committed, offset);
    }
    this.#trim();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#changed.emit("change");
  }

  async reread(
    _partition: number,
    seq: number,
    take: (epoch: string, records: readonly LogRecord[], next: number) => Promise<boolean>,
  ): Promise<void> {
    let next = seq + 1;
    while (!this.#stopped) {
      next = Math.max(next, this.#first);
      const records = this.#records.slice(next - this.#first, next - this.#first + 1000);
      next += records.length;
      if (!(await take(this.#epoch, records, next))) return;
      if (records.length === 0) await once(this.#changed, "change");
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#changed.emit("change");
  }

  async #deliver(handlers: LogHandlers): Promise<void> {
    while (!this.#stopped) {
      const records = this.#paused ? [] : this.#records.slice(this.#read - this.#first);
      if (records.length === 0) {
        await once(this.#changed, "change");
        continue;
      }
      this.#read += records.length;
      await handlers.records(PARTITION, this.#epoch, records);
      handlers.confirmed();
    }
  }

  #rememberGap(gap: GapEvent): void {
    const key = `${gap.instrument}/${gap.since}`;
    if (gap.state === "open") this.#openGaps.set(key, gap);
    else this.#openGaps.delete(key);
  }

  /** Lets the oldest of what is committed go. */
  #trim(): void {
    if (this.#bytes <= this.#share.limit) return;
    let spare = 0;
    for (let left = this.#bytes; left > this.#share.limit * (1 - SPARE); spare += 1) {
      const record = this.#records[spare];
      if (record === undefined || record.offset >= this.#committed) break;
      left -= bytesOf([record]);
    }
    if (spare === 0) return;
    this.#bytes -= bytesOf(this.#records.slice(0, spare));
    this.#records = this.#records.slice(spare);
    this.#first += spare;
  }

  #push(kind: "event" | "status", type: LogRecord["type"], key: string, value: string): void {
    const origin = { kind, ...this.#authority };
    const record: LogRecord = { offset: this.#next, logged: Date.now(), key, value, type, origin };
    this.#records.push(record);
    this.#bytes += bytesOf([record]);
    this.#share.bytes += bytesOf([record]);
    this.#trim();
    this.#changed.emit("change");
  }
}

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length + OVERHEAD, 0);
}

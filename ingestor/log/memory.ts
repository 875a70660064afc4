/**
 * The log where there is no Kafka: collector and pusher joined in one process. It holds all uncommitted records and a bounded
 * number of committed ones, and it dies with the process: a new one is a new epoch, which every client is told with a gap.
 */

import { EventEmitter, once } from "node:events";
import type { GapEvent, MarketEvent } from "../../protocol/events.ts";
import { type Authority, OPENING_MARKERS } from "../../protocol/log-record.ts";
import { epochOf, newIncarnation } from "../../protocol/position.ts";
import { reliedTime } from "../event-time.ts";
import type { Commit, LoggedStatus, LogHandlers, LogRecord, RawFrame, Tail, TickReader, TickWriter } from "./log.ts";
import { MemoryPool, type MemoryReservation } from "./memory-pool.ts";

/** Memory of the logs of all exchanges: a feed that is further behind than its log's reservation gets a gap. */
const MEMORY = new MemoryPool(512 * 1024 * 1024);
/** Bytes of a record beside its text. */
const OVERHEAD = 200;
/** Part of a full log that is dropped at once: a small one would move the rest all the time. */
const SPARE = 1 / 4;
const PARTITION = 0;

export class MemoryLog implements TickWriter, TickReader {
  #authority: Authority = { incarnation: `direct-${newIncarnation()}`, term: 0 };
  #lastEvent: number | null = null;
  /** A later collector of this process goes on with them. */
  readonly #openGaps = new Map<string, MarketEvent>();
  readonly #changed = new EventEmitter();
  /** Counts uncommitted records, which must not be dropped. */
  readonly #reservation: MemoryReservation;
  #records: LogRecord[] = [];
  /** Bytes of all records. */
  #bytes = 0;
  /** The offset of the first record kept; the opening markers are never stored. */
  #first: number = OPENING_MARKERS;
  #committed: number = OPENING_MARKERS;
  #read: number = OPENING_MARKERS;
  #paused = false;
  #stopped = false;
  readonly reachable = true;
  readonly partitions = PARTITION + 1;

  constructor(pool: MemoryPool = MEMORY) {
    this.#reservation = pool.reserve();
  }

  get #next(): number {
    return this.#first + this.#records.length;
  }

  get #epoch(): string {
    return epochOf(this.#authority.incarnation, PARTITION);
  }

  /** Full of records that the pusher has not committed yet. */
  get overloaded(): boolean {
    return this.#reservation.isFull;
  }

  get term(): number {
    return this.#authority.term;
  }

  /** Nobody else can write it. */
  readonly superseded: Promise<void> = new Promise(() => undefined);

  get bytes(): number {
    return this.#reservation.bytes;
  }

  get lag(): number {
    return this.#next - this.#read;
  }

  get voided(): number {
    return 0;
  }

  async open(atLeast: number): Promise<readonly Tail[]> {
    this.#authority = { ...this.#authority, term: Math.max(this.#authority.term + 1, atLeast) };
    // Trade ids are not remembered, so backfilled trades of that time can't be deduplicated.
    const completeFrom = this.#lastEvent === null ? 0 : Date.now();
    return [{ events: [...this.#openGaps.values()], completeFrom, completeUntil: this.#lastEvent }];
  }

  /** Nothing but the open gaps outlives a collector. */
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
      this.#reservation.bytes -= bytesOf(done);
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

  async catchUp(
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

  /** Drops the oldest committed records. */
  #trim(): void {
    if (this.#bytes <= this.#reservation.limit) return;
    let spare = 0;
    for (let left = this.#bytes; left > this.#reservation.limit * (1 - SPARE); spare += 1) {
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
    this.#reservation.bytes += bytesOf([record]);
    this.#trim();
    this.#changed.emit("change");
  }
}

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length + OVERHEAD, 0);
}

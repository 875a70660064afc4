/**
 * The last minute of one partition's events, in offset order: what is asked for again, right after a deploy of the Worker above
 * all, comes from here and not from Kafka. It outlives the objects, and it costs nothing but the memory of texts that were
 * read anyway.
 */

import type { LogRecord } from "../log/log.ts";
import type { RingMemory } from "./ring-memory.ts";

/** An event as the log has it; `value` is its JSON. */
export type RingEvent = Pick<LogRecord, "offset" | "logged" | "key" | "value">;

/** Consecutive events, filtered or not, of which nothing up to `through` is missing. */
export interface RingPage {
  readonly events: readonly RingEvent[];
  readonly through: number;
  /** The event that the next page begins with; undefined where there is none. */
  readonly next: RingEvent | undefined;
}

export interface PageOptions {
  /** The page reaches up to this position at most, and never further than what was read. */
  readonly to: number;
  /** What the events' texts may take in all; a single one may be longer. */
  readonly bytes: number;
  /** Undefined for all. */
  readonly instruments?: ReadonlySet<string> | undefined;
}

/** How far back it reaches, ms of log time. */
export const RING_PERIOD = 60_000;
/** Bytes of an event beside its text. */
const OVERHEAD = 150;
/** The places of evicted events are cut off the array when there are so many, and more of them than of others. */
const CUT = 1024;

export class EventRing {
  readonly #memory: RingMemory;
  /** Those that were evicted are undefined until they are cut off. */
  #events: (RingEvent | undefined)[] = [];
  /** Index of the oldest event that is held. */
  #head = 0;
  #floor: number | undefined;
  #end = 0;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    memory.add(this);
  }

  /** Everything after this position is held; undefined before it has begun. */
  get floor(): number | undefined {
    return this.#floor;
  }

  /** The last position that was read. */
  get end(): number {
    return this.#end;
  }

  /** When the log took the oldest event that is held, ms; undefined when none is. */
  get oldest(): number | undefined {
    return this.#events[this.#head]?.logged;
  }

  /** Forgets everything, and holds what comes after this position. */
  begin(position: number): void {
    this.#evict(this.#events.length - this.#head);
    this.#floor = position;
    this.#end = position;
  }

  /** The next event. */
  append({ offset, logged, key, value }: RingEvent): void {
    this.#events.push({ offset, logged, key, value });
    this.#end = offset;
    this.#expire(logged);
    this.#memory.count(value.length + OVERHEAD);
  }

  /** The log has been read up to here without an event. `logged` in ms. */
  reach(position: number, logged: number): void {
    this.#end = position;
    this.#expire(logged);
  }

  /** Whether it can go on from this position without leaving anything out. */
  reaches(position: number): boolean {
    return this.#floor !== undefined && position >= this.#floor;
  }

  /** Whether there is an event after this position. */
  hasAfter(position: number): boolean {
    return (this.#events.at(-1)?.offset ?? 0) > position;
  }

  /** What follows a position that it {@link reaches}. */
  page(after: number, { to, bytes, instruments }: PageOptions): RingPage {
    const events: RingEvent[] = [];
    let size = 0;
    for (let i = this.#indexAfter(after); i < this.#events.length; i += 1) {
      const event = this.#events[i];
      if (event === undefined || event.offset > to) break;
      if (instruments !== undefined && !instruments.has(event.key)) continue;
      size += event.value.length;
      if (events.length > 0 && size > bytes) return { events, through: events.at(-1)?.offset ?? after, next: event };
      events.push(event);
    }
    return { events, through: Math.max(after, Math.min(to, this.#end)), next: undefined };
  }

  /** Lets go of the oldest events. */
  drop(count: number): void {
    this.#evict(Math.min(count, this.#events.length - this.#head));
  }

  /** For good. */
  close(): void {
    this.#evict(this.#events.length - this.#head);
    this.#memory.remove(this);
  }

  #expire(logged: number): void {
    let expired = 0;
    while ((this.#events[this.#head + expired]?.logged ?? logged) < logged - RING_PERIOD) expired += 1;
    this.#evict(expired);
  }

  #evict(count: number): void {
    if (count === 0) return;
    let bytes = 0;
    for (const until = this.#head + count; this.#head < until; this.#head += 1) {
      const event = this.#events[this.#head];
      bytes += (event?.value.length ?? 0) + OVERHEAD;
      this.#floor = event?.offset ?? this.#floor;
      this.#events[this.#head] = undefined;
    }
    this.#memory.count(-bytes);
    if (this.#head < this.#events.length && (this.#head < CUT || this.#head * 2 < this.#events.length)) return;
    this.#events.splice(0, this.#head);
    this.#head = 0;
  }

  /** The index of the first event after a position, among those that are held. */
  #indexAfter(position: number): number {
    let [low, high] = [this.#head, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.offset ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

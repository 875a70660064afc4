/**
 * How far one feed has got in its log: what waits to be sent, what was sent and is not acked, and what it lacks that is in
 * memory no more, so that the log is read again for it. It sends nothing itself.
 */

import { OPENING_MARKERS } from "../../protocol/log-record.ts";
import type { LogRecord } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import { type Entry, Outbox } from "./outbox.ts";
import { type CatchUp, Parking } from "./parking.ts";

export interface FeedProgressOptions {
  readonly instrument: string;
  /** A feed that holds back this much, bytes, is slow: its events are let go and read again later. */
  readonly parkBytes: number;
  readonly logger: Logger;
  /** Bytes were added to (or, below 0, taken off) what is held in memory. */
  readonly onBytes: (change: number) => void;
  /** The feed lacks what is no longer in memory: read the log again from the position after `seq`. */
  readonly onLack: (catchUp: CatchUp) => void;
}

/** What a feed should have, since the log was committed past it. */
export interface Expected {
  /** The last position that it had acked. */
  readonly seq: number;
  /** A position that counts: where one that has nothing of this log any more is given it from. */
  readonly from: number;
}

/** What a feed says that it has stored; `epoch` null where that is nothing. */
export interface Stored {
  readonly epoch: string | null;
  readonly seq: number;
}

/** What the next batch carries, and the position that it continues. */
interface Stretch {
  readonly prev: number;
  readonly seq: number;
  readonly events: readonly Entry[];
}

/** More than this is much for one batch: events, bytes. */
const MUCH_COUNT = 500;
const MUCH_BYTES = 256 * 1024;

export class FeedProgress {
  readonly #options: FeedProgressOptions;
  readonly #outbox: Outbox;
  /** Until the feed has said what it has. */
  #expected: Expected | undefined;
  #epoch: string | null = null;
  /** The last event taken from the log. */
  #lastSeq = 0;
  /** What the next batch continues. */
  #sentSeq = 0;
  #ackedSeq = 0;
  readonly #parking = new Parking();

  constructor(options: FeedProgressOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.onBytes);
  }

  /** The log that is read; null before its first record. */
  get epoch(): string | null {
    return this.#epoch;
  }

  get parked(): boolean {
    return this.#parking.active;
  }

  /** When the oldest event that is held was read, ms. */
  get oldest(): number | undefined {
    return this.#outbox.oldest;
  }

  get bytes(): number {
    return this.#outbox.bytes;
  }

  /** How many events wait to be sent. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  /** When the one that has waited longest was read, ms. */
  get waitingSince(): number | undefined {
    return this.#outbox.waitingSince;
  }

  /** How many events were sent and are not acked. */
  get unacked(): number {
    return this.#outbox.unacked;
  }

  /** Whether more is held than should be gathered. */
  get isMuch(): boolean {
    return this.waiting >= MUCH_COUNT || this.bytes >= Math.min(MUCH_BYTES, this.#options.parkBytes / 4);
  }

  /** Whether it should be given no more for the moment. */
  get full(): boolean {
    return this.bytes > this.#options.parkBytes / 2;
  }

  /** The offset that must not be committed past; undefined when everything taken is acked. */
  get holds(): number | undefined {
    const { first } = this.#outbox;
    const { from } = this.#parking;
    // It was acked once; but whether the feed still has it is known only when it comes.
    if (this.#expected !== undefined) return Math.min(first ?? Number.MAX_SAFE_INTEGER, this.#expected.seq + 1);
    return first ?? (from === undefined ? undefined : Math.max(from, this.#ackedSeq) + 1);
  }

  /** A feed that has lost what it had acked is told nothing until the log shows since when: every `asOf` would be a guess. */
  get knowsWhatItLacks(): boolean {
    return !this.parked || this.#parking.logged !== undefined;
  }

  /** Log time (ms) that the first event the feed has not been sent does not precede. `read`: that of the live reading. */
  completeUpTo(read: number): number {
    return Math.min(read, this.#outbox.unsentFrom ?? this.#parking.logged ?? read);
  }

  /**
   * The position up to which the feed has been sent everything; `next`: that of the live reading, which is ahead of a parked
   * feed, and behind one that another pusher has brought further.
   */
  completeThrough(next: number): number {
    const { unsent } = this.#outbox;
    if (unsent !== undefined) return unsent - 1;
    return this.parked ? this.#sentSeq : Math.max(this.#sentSeq, next - 1);
  }

  /** Another pusher has had this acked. Before anything is taken; {@link resume} judges by it. */
  expect(epoch: string, expected: Expected): void {
    this.#epoch = epoch;
    this.#expected = expected;
    this.#ackedSeq = expected.seq;
  }

  /**
   * An event of the live reading. Those that were taken before, and those that a parked feed will be read, are passed over.
   *
   * @returns whether it is too much: either the feed takes it now, or it is {@link park | parked}
   */
  take(record: LogRecord, now: number): boolean {
    return !this.parked && this.#add(record, now) && this.bytes > this.#options.parkBytes;
  }

  /** An event that is read again for a parked feed. Only the live reading goes over to another epoch. */
  takeAgain(epoch: string, record: LogRecord, now: number): void {
    if (!this.parked || epoch !== this.#epoch) return;
    this.#parking.onRead(record.logged);
    this.#add(record, now);
  }

  /** The next events to send, `max` at most, or none; from here on they wait for their ack. */
  send(max: number): Stretch {
    const prev = this.#sentSeq;
    const events = this.#outbox.send(max);
    this.#sentSeq = events.at(-1)?.seq ?? prev;
    return { prev, seq: this.#sentSeq, events };
  }

  /** The feed says what it has. @returns whether it can go on from there: else the log is read again for it */
  resume({ epoch, seq }: Stored): boolean {
    const same = epoch === this.#epoch;
    const expected = this.#expected;
    this.#expected = undefined;
    const has = same ? seq : 0;
    if (expected !== undefined && has < expected.seq) {
      const { instrument, logger } = this.#options;
      logger.warn({ instrument, seq: has, acked: expected.seq }, "a feed lacks what was acked before");
      // What has nothing of this log begins anew: how far back it knows trades, it tells its clients itself.
      this.#lack(has > 0 ? has : expected.from);
      return false;
    }
    if (same) {
      this.#outbox.rewind(seq);
      this.#onStored(seq);
    }
    if (this.holds === undefined || !this.parked) return this.rewind(same ? seq : this.#lost);
    // One that has nothing of this log lacks what it was sent and never stored, too.
    this.#lack(same ? seq : this.holds - 1);
    return false;
  }

  /** Goes back to a position: what was sent after it is sent again. @returns whether that is still in memory */
  rewind(from: number): boolean {
    // A feed that lacks what it had acked has lost it: only the log has it now.
    if (from > 0 && from < this.#ackedSeq) {
      this.#lack(from);
      return false;
    }
    this.#outbox.rewind(from);
    this.#lastSeq = Math.max(this.#lastSeq, from);
    this.#sentSeq = from;
    return true;
  }

  /** The feed has everything up to a position in storage. */
  ack(seq: number): void {
    this.#onStored(seq);
    // A slow feed that has stored all it was sent can be given the rest.
    const { waits, from } = this.#parking;
    if (waits && from !== undefined && this.bytes === 0) this.#lack(from);
  }

  /** Lets go of what was not sent; of what was sent too, if the feed is `away` and would need it all again. */
  park(away: boolean): void {
    const { instrument, logger } = this.#options;
    logger.warn({ instrument, bytes: this.bytes }, "a feed takes too little: parked until it does");
    const from = away ? (this.#outbox.first ?? 1) - 1 : this.#sentSeq;
    this.#parking.park(from, this.#outbox.loggedAfter(from));
    if (away) this.#outbox.clear();
    else this.#outbox.dropWaiting();
  }

  /** Has caught up with the log. */
  unpark(): void {
    this.#parking.end();
  }

  /** Has been given as much as it takes for now: the rest is read for it once it has stored that. */
  leaveReading(): void {
    this.#parking.leave(this.#lastSeq);
  }

  /** The feed has gone: what is read for it has nowhere to go. */
  endReading(): void {
    this.#parking.endReading();
  }

  /** Whether the events of this reading still have somewhere to go. */
  wants(catchUp: CatchUp): boolean {
    return this.#parking.wants(catchUp);
  }

  /** Another log: nothing of the one before is known any more. */
  begin(epoch: string): void {
    this.#outbox.clear();
    this.unpark();
    this.#expected = undefined;
    this.#epoch = epoch;
    this.#lastSeq = 0;
    this.#sentSeq = 0;
    this.#ackedSeq = 0;
  }

  /** Gives back what is held. */
  clear(): void {
    this.#outbox.clear();
  }

  /** @returns false for one that was taken before */
  #add({ offset, logged, value }: LogRecord, now: number): boolean {
    if (offset <= this.#lastSeq) return false;
    this.#lastSeq = offset;
    const text = `{"seq":${offset},"logged":${logged},"event":${value}}`;
    this.#outbox.push({ seq: offset, text, logged, read: now });
    return true;
  }

  /** Up to here a feed that has nothing of this log any more had acked it: what was acked is not here to be sent again. */
  get #lost(): number {
    return this.#ackedSeq < OPENING_MARKERS ? 0 : this.#ackedSeq;
  }

  #onStored(seq: number): void {
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    this.#outbox.ack(seq);
  }

  #lack(seq: number): void {
    // When the log took what it had acked is known no more than the rest of it.
    const logged = seq < this.#ackedSeq ? undefined : (this.#outbox.loggedAfter(seq) ?? this.#parking.logged);
    this.#outbox.clear();
    this.#sentSeq = seq;
    this.#lastSeq = seq;
    this.#ackedSeq = seq;
    this.#options.onLack(this.#parking.read(seq, logged));
  }
}

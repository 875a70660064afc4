/**
 * The pusher's end of one feed: what was sent and not acked yet, what waits to be sent, and when the feed wants it.
 * A batch carries the events' JSON just as it came from the log.
 */

import type WebSocket from "ws";
import { type FeedFrame, feedFrame, type PublisherFrame } from "../../protocol/ingest.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import { OPENING_MARKERS } from "../../protocol/log-record.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { LogRecord } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import { encodeBatch, type PartitionView } from "./batch.ts";
import { DueRates } from "./due-rates.ts";
import { Outbox } from "./outbox.ts";

export interface FeedLinkOptions {
  readonly instrument: string;
  readonly partition: number;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly idleBatch: number;
  /** A feed that holds back this much, bytes, is slow: its events are let go and read again later. */
  readonly parkBytes: number;
  readonly view: () => PartitionView | undefined;
  readonly logger: Logger;
  /** Bytes were added to (or, below 0, taken off) what is held in memory. */
  readonly onBytes: (change: number) => void;
  /** The feed lacks what is no longer in memory: read the log again from the position after `seq`. */
  readonly onLack: (link: FeedLink, catchUp: CatchUp) => void;
  readonly onReplaced: (link: FeedLink) => void;
}

/** A reading of the log on a feed's behalf. It is over when another has begun, or the feed has gone away. */
export interface CatchUp {
  /** What the feed has: it lacks what comes after. */
  readonly seq: number;
}

/** What a feed should have, since the log was committed past it. */
export interface Expected {
  /** The last position that it had acked. */
  readonly seq: number;
  /** A position that counts: where one that has nothing of this log any more is given it from. */
  readonly from: number;
}

/** What a parked feed lacks. */
interface Parked {
  /** Everything after this position is to be read from the log again. */
  readonly from: number;
  /** Log time (ms) that the first of it does not precede; undefined until the reading has come upon one. */
  readonly logged: number | undefined;
}

/** More than this is sent before its time: events, bytes. */
const GATHERED_COUNT = 500;
const GATHERED_BYTES = 256 * 1024;
const BATCH_COUNT = 1000;
/** What may lie in the socket itself, bytes, before sending waits. */
const SOCKET_BYTES = 2 * 1024 * 1024;
/** Someone listens: a batch at least this often, ms, so that they hear of the feed's state. */
const HEARTBEAT = 5000;

export class FeedLink {
  readonly #options: FeedLinkOptions;
  #socket: WebSocket | undefined;
  #ready = false;
  /** What the feed said when it came. */
  #said: { readonly epoch: string | null; readonly seq: number } | undefined;
  /** Until the feed has said what it has. */
  #expected: Expected | undefined;
  #epoch: string | null = null;
  /** The log that the feed follows, as far as it has said or was told; undefined while it is not there. */
  #toldEpoch: string | null | undefined;
  /** When (ms) a feed that nobody listens to is told of {@link #epoch} at the latest. */
  #tellEpochAt = 0;
  readonly #outbox: Outbox;
  /** The last event taken from the log. */
  #lastSeq = 0;
  /** What the next batch continues. */
  #sentSeq = 0;
  #ackedSeq = 0;
  readonly #due = new DueRates();
  #dirty = false;
  /** Empty batches sent since the feed last was clean. */
  #nudges = 0;
  #lastBatch = 0;
  /** Events were let go. */
  #parked: Parked | undefined;
  #catchUp: CatchUp | undefined;
  #closed = false;

  constructor(options: FeedLinkOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.onBytes);
  }

  get instrument(): string {
    return this.#options.instrument;
  }

  get partition(): number {
    return this.#options.partition;
  }

  get parked(): boolean {
    return this.#parked !== undefined;
  }

  /** Whether anyone listens. */
  get listened(): boolean {
    return this.#due.wanted.length > 0;
  }

  /** When the oldest event that is held was read, ms. */
  get oldest(): number | undefined {
    return this.#outbox.oldest;
  }

  get bytes(): number {
    return this.#outbox.bytes;
  }

  /** The offset that must not be committed past; undefined when everything taken is acked. */
  get holds(): number | undefined {
    const { first } = this.#outbox;
    // It was acked once; but whether the feed still has it is known only when it comes.
    if (this.#expected !== undefined) return Math.min(first ?? Number.MAX_SAFE_INTEGER, this.#expected.seq + 1);
    if (first !== undefined || this.#parked === undefined) return first;
    return Math.max(this.#parked.from, this.#ackedSeq) + 1;
  }

  /** Another pusher has had this acked. Before anything is taken; the feed may be there already. */
  expect(epoch: string, expected: Expected, now: number): void {
    this.#epoch = epoch;
    this.#expected = expected;
    this.#ackedSeq = expected.seq;
    if (this.#ready && this.#said !== undefined) this.#goOnFrom(this.#said.epoch, this.#said.seq, now);
  }

  /**
   * The log is this one, from here on: the feed is told even if the instrument has no event in it yet. One that nobody listens
   * to is told at some moment of its idle time, since all feeds of a partition would wake at once; who asks it for anything
   * meanwhile has it asked for a batch, and so is told before it answers.
   */
  enter(epoch: string, now: number): void {
    if (this.#closed || epoch === this.#epoch) return;
    const isFirst = this.#epoch === null;
    this.#changeEpoch(epoch, now);
    this.#tellEpochAt = now + Math.random() * this.#options.idleBatch;
    if (isFirst && this.#ready && this.#said !== undefined) this.#goOnFrom(this.#said.epoch, this.#said.seq, now);
  }

  /** An event of the log. Those that were taken before, and those that a parked link will read again, are passed over. */
  take(epoch: string, record: LogRecord, now: number): void {
    if (this.#closed) return;
    this.enter(epoch, now);
    if (!this.parked) this.#add(record, now);
  }

  /** An event that is read again for a parked link. Only the live reading goes over to another epoch. */
  takeAgain(epoch: string, record: LogRecord, now: number): void {
    if (this.#parked === undefined || epoch !== this.#epoch) return;
    this.#parked = { ...this.#parked, logged: record.logged };
    this.#add(record, now);
  }

  #add({ offset, logged, value }: LogRecord, now: number): void {
    if (offset <= this.#lastSeq) return;
    this.#lastSeq = offset;
    const text = `{"seq":${offset},"logged":${logged},"event":${value}}`;
    this.#outbox.push({ seq: offset, text, logged, read: now });
    if (this.#outbox.bytes <= this.#options.parkBytes || this.parked) return;
    // A feed that has acked everything is not slow: it was given nothing yet.
    if (this.#ready && this.#outbox.unacked === 0) this.#send(now);
    else this.#park();
  }

  opened(socket: WebSocket): void {
    this.#socket = socket;
  }

  closed(): void {
    this.#socket = undefined;
    this.#ready = false;
    this.#said = undefined;
    this.#toldEpoch = undefined;
    this.#catchUp = undefined;
  }

  /** For good: gives back what it holds, and takes no more. */
  close(): void {
    this.#closed = true;
    this.closed();
    this.#outbox.clear();
  }

  /** @throws when the feed says what no feed says, or in a newer version */
  onMessage(text: string): void {
    this.#obey(feedFrame.parse(upgradeIngest(JSON.parse(text))));
  }

  /** After each stretch of the log: feeds with a `raw` listener get theirs at once. */
  onRead(now: number): void {
    if (this.#outbox.waiting > 0 && this.#due.wantsRaw) this.#send(now);
  }

  /** A tick of the grid, with the rates whose period ends with it. `silent`: nothing comes in the whole partition. */
  onGrid(now: number, due: readonly Rate[], silent: boolean): void {
    const { waiting } = this.#outbox;
    this.#due.tick(due, waiting > 0);
    if (!this.#ready) return;
    if (!this.listened) this.#idle(now, silent);
    else if (this.#owesEpoch || this.#due.owed.length > 0 || (waiting > 0 && (this.#due.wantsRaw || this.#isMuch)))
      this.#send(now);
    else if (now - this.#lastBatch >= HEARTBEAT) this.#send(now);
    else if (waiting === 0) this.#nudge(now);
  }

  /** The exchange's state has changed: those who listen should hear of it now. */
  onStatus(now: number): void {
    if (this.listened) this.#send(now);
  }

  /** Sends at once what waits. */
  flush(now: number): void {
    if (this.#outbox.waiting > 0) this.#send(now);
  }

  /** Tells the feed something besides its events. @returns whether it is there to hear it */
  say(frame: Exclude<PublisherFrame, { op: "ticks" }>): boolean {
    if (!this.#ready || this.#socket === undefined) return false;
    this.#socket.send(encodeIngest(frame));
    return true;
  }

  /** Has caught up with the log. */
  unpark(): void {
    this.#parked = undefined;
    this.#catchUp = undefined;
  }

  /** Has been given as much as it takes for now: the rest is read for it once it has stored that. */
  leaveReading(): void {
    if (this.#parked !== undefined) this.#parked = { ...this.#parked, from: this.#lastSeq };
    this.#catchUp = undefined;
  }

  /** Whether the events of this reading still have somewhere to go. */
  wants(catchUp: CatchUp): boolean {
    return this.#catchUp === catchUp;
  }

  /** Whether it should be given no more for the moment. */
  get full(): boolean {
    return this.#outbox.bytes > this.#options.parkBytes / 2;
  }

  #obey(frame: FeedFrame): void {
    if (this.#closed) return;
    const now = Date.now();
    switch (frame.op) {
      case "ready":
        this.#onReady(frame.epoch, frame.seq, frame.rates, now);
        break;
      case "ack":
        this.#onAck(frame.epoch, frame.seq, frame.dirty);
        break;
      case "cadence":
        this.#due.want(frame.rates);
        this.#send(now);
        break;
      case "resend":
        if (frame.epoch === this.#epoch) this.#onResend(frame.from, now);
        break;
      case "replaced":
        this.#ready = false;
        this.#options.onReplaced(this);
        break;
    }
  }

  #onReady(epoch: string | null, seq: number, rates: readonly Rate[], now: number): void {
    this.#ready = true;
    this.#due.want(rates);
    this.#said = { epoch, seq };
    this.#toldEpoch = epoch;
    this.#goOnFrom(epoch, seq, now);
  }

  /** The feed has everything up to a position, as it says. */
  #goOnFrom(epoch: string | null, seq: number, now: number): void {
    const same = epoch === this.#epoch;
    const expected = this.#expected;
    this.#expected = undefined;
    const has = same ? seq : 0;
    if (expected !== undefined && has < expected.seq) {
      const { instrument } = this;
      this.#options.logger.warn({ instrument, seq: has, acked: expected.seq }, "a feed lacks what was acked before");
      // What has nothing of this log begins anew: how far back it knows trades, it tells its clients itself.
      this.#lack(has > 0 ? has : expected.from);
      return;
    }
    if (same) {
      this.#outbox.rewind(seq);
      this.#onStored(seq);
    }
    // One that has nothing of this log lacks what it was sent and never stored, too.
    if (this.holds !== undefined && this.parked) this.#lack(same ? seq : this.holds - 1);
    else this.#onResend(same ? seq : this.#lost, now);
  }

  /** Up to here a feed that has nothing of this log any more had acked it: what was acked is not here to be sent again. */
  get #lost(): number {
    return this.#ackedSeq < OPENING_MARKERS ? 0 : this.#ackedSeq;
  }

  #onAck(epoch: string, seq: number, dirty: boolean): void {
    if (!dirty) this.#nudges = 0;
    this.#dirty = dirty;
    if (epoch !== this.#epoch) return;
    this.#onStored(seq);
    // A slow feed that has stored all it was sent can be given the rest.
    if (this.#parked !== undefined && this.#catchUp === undefined && this.#outbox.bytes === 0)
      this.#lack(this.#parked.from);
  }

  /** The feed has everything up to a position in storage. */
  #onStored(seq: number): void {
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    this.#outbox.ack(seq);
  }

  /** Goes back to a position: what was sent after it is sent again. */
  #onResend(from: number, now: number): void {
    // A feed that lacks what it had acked has lost it: only the log has it now.
    if (from > 0 && from < this.#ackedSeq) {
      this.#lack(from);
      return;
    }
    this.#outbox.rewind(from);
    this.#lastSeq = Math.max(this.#lastSeq, from);
    this.#sentSeq = from;
    this.#send(now);
  }

  #lack(seq: number): void {
    // When the log took what it had acked is known no more than the rest of it.
    const logged = seq < this.#ackedSeq ? undefined : (this.#outbox.loggedAfter(seq) ?? this.#parked?.logged);
    this.#outbox.clear();
    this.#parked = { from: seq, logged };
    this.#catchUp = { seq };
    this.#sentSeq = seq;
    this.#lastSeq = seq;
    this.#ackedSeq = seq;
    this.#options.onLack(this, this.#catchUp);
  }

  /** Lets go of what was not sent; of what was sent too, if the feed is away and would need it all again. */
  #park(): void {
    const { instrument } = this;
    this.#options.logger.warn({ instrument, bytes: this.bytes }, "a feed takes too little: parked until it does");
    const from = this.#ready ? this.#sentSeq : (this.#outbox.first ?? 1) - 1;
    this.#parked = { from, logged: this.#outbox.loggedAfter(from) };
    if (this.#ready) this.#outbox.dropWaiting();
    else this.#outbox.clear();
  }

  /** Nobody listens: everything in one batch now and then, so that the object can sleep in between. */
  #idle(now: number, silent: boolean): void {
    const { waitingSince } = this.#outbox;
    const enough = silent || this.#isMuch;
    if (waitingSince !== undefined && (enough || now - waitingSince >= this.#options.idleBatch)) this.#send(now);
    else if (this.#owesEpoch && now >= this.#tellEpochAt) this.#send(now);
    else this.#nudge(now);
  }

  /** Whether the feed follows another log, and has not been told yet that there is a new one. */
  get #owesEpoch(): boolean {
    return this.#epoch !== null && this.#toldEpoch !== this.#epoch;
  }

  /** Whether more is held than should be gathered. */
  get #isMuch(): boolean {
    const { waiting, bytes } = this.#outbox;
    return waiting >= GATHERED_COUNT || bytes >= Math.min(GATHERED_BYTES, this.#options.parkBytes / 4);
  }

  /** An empty batch for a feed that still has something to do, more seldom the longer it takes. */
  #nudge(now: number): void {
    if (!this.#dirty && this.#outbox.unacked === 0) return;
    const pause = this.#nudges < 10 ? 500 : this.#nudges < 20 ? 2000 : 10_000;
    if (now - this.#lastBatch < pause) return;
    this.#nudges += 1;
    this.#send(now, true);
  }

  /** Sends what waits, in several batches where it is much: the last one says which rates are due. */
  #send(now: number, onlyNudge = false): void {
    const view = this.#options.view();
    const socket = this.#socket;
    if (!this.#ready || socket === undefined || view === undefined) return;
    if (socket.bufferedAmount > SOCKET_BYTES || !this.#knowsWhatItLacks) return;
    const events = onlyNudge ? [] : this.#outbox.send(BATCH_COUNT);
    const prev = this.#sentSeq;
    const seq = events.at(-1)?.seq ?? prev;
    const isLast = onlyNudge || this.#outbox.waiting === 0;
    const due = isLast ? this.#due.owed : [];
    const epoch = this.#epoch ?? view.epoch;
    this.#sentSeq = seq;
    const through = epoch === view.epoch ? this.#completeThrough(view.next) : seq;
    const asOf = this.#completeUpTo(view.asOf);
    const { opens, status } = view;
    socket.send(encodeBatch({ epoch, prev, seq, through, opens, events, asOf, status, due }));
    this.#toldEpoch = epoch;
    if (events.length > 0) this.#nudges = 0;
    this.#lastBatch = now;
    this.#due.sent(events.length > 0, due);
    if (!isLast) this.#send(now);
  }

  /** A feed that has lost what it had acked is told nothing until the log shows since when: every `asOf` would be a guess. */
  get #knowsWhatItLacks(): boolean {
    return this.#parked === undefined || this.#parked.logged !== undefined;
  }

  /** Log time (ms) that the first event the feed has not been sent does not precede. `read`: that of the live reading. */
  #completeUpTo(read: number): number {
    return Math.min(read, this.#outbox.unsentFrom ?? this.#parked?.logged ?? read);
  }

  /**
   * The position up to which the feed has been sent everything; `next`: that of the live reading, which is ahead of a parked
   * feed, and behind one that another pusher has brought further.
   */
  #completeThrough(next: number): number {
    const { unsent } = this.#outbox;
    if (unsent !== undefined) return unsent - 1;
    return this.parked ? this.#sentSeq : Math.max(this.#sentSeq, next - 1);
  }

  /** Another log: what was not acked of the old one goes out while it can, and is then out of our hands. */
  #changeEpoch(epoch: string, now: number): void {
    this.flush(now);
    this.#outbox.clear();
    this.unpark();
    this.#expected = undefined;
    this.#epoch = epoch;
    this.#lastSeq = 0;
    this.#sentSeq = 0;
    this.#ackedSeq = 0;
  }
}

/**
 * The pusher's end of one feed's socket: when a batch goes out, and what it says. Which events it carries is the feed's
 * progress; they are JSON just as it came from the log.
 */

import type WebSocket from "ws";
import { type FeedFrame, feedFrame, type PublisherFrame } from "../../protocol/ingest.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { LogRecord } from "../log/log.ts";
import { encodeBatch, type PartitionView } from "./batch.ts";
import { DueRates } from "./due-rates.ts";
import { type CatchUp, type Expected, FeedProgress, type FeedProgressOptions, type Stored } from "./feed-progress.ts";

export interface FeedLinkOptions extends Omit<FeedProgressOptions, "onLack"> {
  readonly partition: number;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly idleBatch: number;
  readonly view: () => PartitionView | undefined;
  /** The feed lacks what is no longer in memory: read the log again from the position after `seq`. */
  readonly onLack: (link: FeedLink, catchUp: CatchUp) => void;
  readonly onReplaced: (link: FeedLink) => void;
}

const BATCH_COUNT = 1000;
/** What may lie in the socket itself, bytes, before sending waits. */
const SOCKET_BYTES = 2 * 1024 * 1024;
/** Someone listens: a batch at least this often, ms, so that they hear of the feed's state. */
const HEARTBEAT = 5000;

export class FeedLink {
  readonly #options: FeedLinkOptions;
  readonly #progress: FeedProgress;
  readonly #due = new DueRates();
  #socket: WebSocket | undefined;
  #ready = false;
  /** What the feed said when it came. */
  #said: Stored | undefined;
  /** The log that the feed follows, as far as it has said or was told; undefined while it is not there. */
  #toldEpoch: string | null | undefined;
  /** When (ms) a feed that nobody listens to is told of another log at the latest. */
  #tellEpochAt = 0;
  #dirty = false;
  /** Empty batches sent since the feed last was clean. */
  #nudges = 0;
  #lastBatch = 0;
  #closed = false;

  constructor(options: FeedLinkOptions) {
    this.#options = options;
    this.#progress = new FeedProgress({ ...options, onLack: (catchUp) => options.onLack(this, catchUp) });
  }

  get instrument(): string {
    return this.#options.instrument;
  }

  get partition(): number {
    return this.#options.partition;
  }

  get parked(): boolean {
    return this.#progress.parked;
  }

  /** Whether anyone listens. */
  get listened(): boolean {
    return this.#due.wanted.length > 0;
  }

  /** When the oldest event that is held was read, ms. */
  get oldest(): number | undefined {
    return this.#progress.oldest;
  }

  get bytes(): number {
    return this.#progress.bytes;
  }

  /** The offset that must not be committed past; undefined when everything taken is acked. */
  get holds(): number | undefined {
    return this.#progress.holds;
  }

  /** Whether it should be given no more for the moment. */
  get full(): boolean {
    return this.#progress.full;
  }

  /** Another pusher has had this acked. Before anything is taken; the feed may be there already. */
  expect(epoch: string, expected: Expected, now: number): void {
    this.#progress.expect(epoch, expected);
    if (this.#ready && this.#said !== undefined) this.#goOnFrom(this.#said, now);
  }

  /**
   * The log is this one, from here on: the feed is told even if the instrument has no event in it yet. What was not sent of the
   * one before goes out while it can, and is then out of our hands. A feed that nobody listens to is told at some moment of its
   * idle time, since all feeds of a partition would wake at once; who asks it for anything meanwhile has it asked for a batch,
   * and so is told before it answers.
   */
  enter(epoch: string, now: number): void {
    if (this.#closed || epoch === this.#progress.epoch) return;
    const isFirst = this.#progress.epoch === null;
    this.flush(now);
    this.#progress.begin(epoch);
    this.#tellEpochAt = now + Math.random() * this.#options.idleBatch;
    if (isFirst && this.#ready && this.#said !== undefined) this.#goOnFrom(this.#said, now);
  }

  /** An event of the log. Those that were taken before, and those that a parked link will read again, are passed over. */
  take(epoch: string, record: LogRecord, now: number): void {
    if (this.#closed) return;
    this.enter(epoch, now);
    this.#progress.take(record, now);
    if (!this.#progress.overflows) return;
    // A feed that has acked everything is not slow: it was given nothing yet.
    if (this.#ready && this.#progress.unacked === 0) this.#send(now);
    else this.#progress.park(!this.#ready);
  }

  /** An event that is read again for a parked link. */
  takeAgain(epoch: string, record: LogRecord, now: number): void {
    this.#progress.takeAgain(epoch, record, now);
  }

  /** Has caught up with the log. */
  unpark(): void {
    this.#progress.unpark();
  }

  /** Has been given as much as it takes for now: the rest is read for it once it has stored that. */
  leaveReading(): void {
    this.#progress.leaveReading();
  }

  /** Whether the events of this reading still have somewhere to go. */
  wants(catchUp: CatchUp): boolean {
    return this.#progress.wants(catchUp);
  }

  opened(socket: WebSocket): void {
    this.#socket = socket;
  }

  closed(): void {
    this.#socket = undefined;
    this.#ready = false;
    this.#said = undefined;
    this.#toldEpoch = undefined;
    this.#progress.endReading();
  }

  /** For good: gives back what it holds, and takes no more. */
  close(): void {
    this.#closed = true;
    this.closed();
    this.#progress.clear();
  }

  /** @throws when the feed says what no feed says, or in a newer version */
  onMessage(text: string): void {
    this.#obey(feedFrame.parse(upgradeIngest(JSON.parse(text))));
  }

  /** After each stretch of the log: feeds with a `raw` listener get theirs at once. */
  onRead(now: number): void {
    if (this.#progress.waiting > 0 && this.#due.wantsRaw) this.#send(now);
  }

  /** A tick of the grid, with the rates whose period ends with it. `silent`: nothing comes in the whole partition. */
  onGrid(now: number, due: readonly Rate[], silent: boolean): void {
    this.#due.tick(due, this.#progress.waiting > 0);
    if (!this.#ready) return;
    if (this.listened) this.#live(now);
    else this.#idle(now, silent);
  }

  /** The exchange's state has changed: those who listen should hear of it now. */
  onStatus(now: number): void {
    if (this.listened) this.#send(now);
  }

  /** Sends at once what waits. */
  flush(now: number): void {
    if (this.#progress.waiting > 0) this.#send(now);
  }

  /** Tells the feed something besides its events. @returns whether it is there to hear it */
  say(frame: Exclude<PublisherFrame, { op: "ticks" }>): boolean {
    if (!this.#ready || this.#socket === undefined) return false;
    this.#socket.send(encodeIngest(frame));
    return true;
  }

  #obey(frame: FeedFrame): void {
    if (this.#closed) return;
    const now = Date.now();
    switch (frame.op) {
      case "ready":
        this.#ready = true;
        this.#due.want(frame.rates);
        this.#said = frame;
        this.#toldEpoch = frame.epoch;
        this.#goOnFrom(frame, now);
        break;
      case "ack":
        if (!frame.dirty) this.#nudges = 0;
        this.#dirty = frame.dirty;
        if (frame.epoch === this.#progress.epoch) this.#progress.ack(frame.seq);
        break;
      case "cadence":
        this.#due.want(frame.rates);
        this.#send(now);
        break;
      case "resend":
        if (frame.epoch === this.#progress.epoch && this.#progress.rewind(frame.from)) this.#send(now);
        break;
      case "replaced":
        this.#ready = false;
        this.#options.onReplaced(this);
        break;
    }
  }

  /** The feed has everything up to a position, as it says. */
  #goOnFrom(said: Stored, now: number): void {
    if (this.#progress.resume(said)) this.#send(now);
  }

  /** Someone listens: what is due, and what nobody gathers. */
  #live(now: number): void {
    const { waiting, isMuch } = this.#progress;
    const isDue = this.#due.owed.length > 0 || (waiting > 0 && (this.#due.wantsRaw || isMuch));
    if (isDue || this.#owesEpoch || now - this.#lastBatch >= HEARTBEAT) this.#send(now);
    else if (waiting === 0) this.#nudge(now);
  }

  /** Nobody listens: everything in one batch now and then, so that the object can sleep in between. */
  #idle(now: number, silent: boolean): void {
    const { waitingSince, isMuch } = this.#progress;
    const enough = silent || isMuch;
    if (waitingSince !== undefined && (enough || now - waitingSince >= this.#options.idleBatch)) this.#send(now);
    else if (this.#owesEpoch && now >= this.#tellEpochAt) this.#send(now);
    else this.#nudge(now);
  }

  /** Whether the feed follows another log, and has not been told yet that there is a new one. */
  get #owesEpoch(): boolean {
    return this.#progress.epoch !== null && this.#toldEpoch !== this.#progress.epoch;
  }

  /** An empty batch for a feed that still has something to do, more seldom the longer it takes. */
  #nudge(now: number): void {
    if (!this.#dirty && this.#progress.unacked === 0) return;
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
    if (socket.bufferedAmount > SOCKET_BYTES || !this.#progress.knowsWhatItLacks) return;
    const stretch = this.#progress.send(onlyNudge ? 0 : BATCH_COUNT);
    const isLast = onlyNudge || this.#progress.waiting === 0;
    const due = isLast ? this.#due.owed : [];
    const epoch = this.#progress.epoch ?? view.epoch;
    const through = epoch === view.epoch ? this.#progress.completeThrough(view.next) : stretch.seq;
    const asOf = this.#progress.completeUpTo(view.asOf);
    const { opens, status } = view;
    socket.send(encodeBatch({ epoch, ...stretch, through, opens, asOf, status, due }));
    const withEvents = stretch.events.length > 0;
    this.#toldEpoch = epoch;
    if (withEvents) this.#nudges = 0;
    this.#lastBatch = now;
    this.#due.sent(withEvents, due);
    if (!isLast) this.#send(now);
  }
}

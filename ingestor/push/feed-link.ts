/**
 * The pusher's end of one feed's socket. Which events a batch carries is the feed's progress, and when it goes out its cadence;
 * the events are JSON just as it came from the log.
 */

import type WebSocket from "ws";
import { type FeedFrame, feedFrame, type PublisherFrame } from "../../protocol/ingest.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { LogRecord } from "../log/log.ts";
import { encodeBatch, type PartitionView } from "./batch.ts";
import type { EdgeSource } from "./edge-totals.ts";
import { FeedCadence } from "./feed-cadence.ts";
import { type Expected, FeedProgress, type FeedProgressOptions, type Stored } from "./feed-progress.ts";
import type { CatchUp } from "./parking.ts";

export interface FeedLinkOptions extends Omit<FeedProgressOptions, "onLack"> {
  readonly partition: number;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly idleBatch: number;
  readonly view: () => PartitionView | undefined;
  /** Hears what the feed has done. */
  readonly counted: EdgeSource;
  /** The feed lacks what is no longer in memory: read the log again from the position after `seq`. */
  readonly onLack: (link: FeedLink, catchUp: CatchUp) => void;
  readonly onReplaced: (link: FeedLink) => void;
}

const BATCH_COUNT = 1000;
/** What may lie in the socket itself, bytes, before sending waits. */
const SOCKET_BYTES = 2 * 1024 * 1024;

export class FeedLink {
  readonly #options: FeedLinkOptions;
  readonly #progress: FeedProgress;
  readonly #cadence: FeedCadence;
  #socket: WebSocket | undefined;
  #ready = false;
  /** What the feed said when it came. */
  #said: Stored | undefined;
  #closed = false;

  constructor(options: FeedLinkOptions) {
    this.#options = options;
    this.#progress = new FeedProgress({ ...options, onLack: (catchUp) => options.onLack(this, catchUp) });
    this.#cadence = new FeedCadence(options.idleBatch, this.#progress);
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
    return this.#cadence.listened;
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
   * one before goes out while it can, and is then out of our hands. Whoever asks a feed that is told later for anything makes it
   * ask for a batch, so it is told before it answers.
   */
  enter(epoch: string, now: number): void {
    if (this.#closed || epoch === this.#progress.epoch) return;
    const isFirst = this.#progress.epoch === null;
    this.flush(now);
    this.#progress.begin(epoch);
    this.#cadence.epochChanged(now);
    if (isFirst && this.#ready && this.#said !== undefined) this.#goOnFrom(this.#said, now);
  }

  /** An event of the log. Those that were taken before, and those that a parked link will read again, are passed over. */
  take(epoch: string, record: LogRecord, now: number): void {
    if (this.#closed) return;
    this.enter(epoch, now);
    if (!this.#progress.take(record, now)) return;
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
    this.#cadence.gone();
    this.#progress.endReading();
    this.#options.counted.gone();
  }

  /** For good: gives back what it holds, and takes no more. */
  close(): void {
    this.#closed = true;
    this.closed();
    this.#progress.clear();
  }

  /** @throws when the feed says what no feed says, or in a newer version */
  onMessage(text: string): void {
    const frame = feedFrame.parse(upgradeIngest(JSON.parse(text)));
    if ("counts" in frame && frame.counts !== undefined) this.#options.counted.take(frame.counts);
    this.#obey(frame);
  }

  /** After each stretch of the log: feeds with a `raw` listener get theirs at once. */
  onRead(now: number): void {
    if (this.#progress.waiting > 0 && this.#cadence.wantsRaw) this.#send(now);
  }

  /** A tick of the grid, with the rates whose period ends with it. `silent`: nothing comes in the whole partition. */
  onGrid(now: number, due: readonly Rate[], silent: boolean): void {
    this.#cadence.tick(due);
    const decision = this.#ready ? this.#cadence.decide(now, silent) : undefined;
    if (decision !== undefined) this.#send(now, decision === "nudge");
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
        this.#cadence.want(frame.rates);
        this.#cadence.began(frame.epoch);
        this.#said = frame;
        this.#goOnFrom(frame, now);
        break;
      case "ack":
        this.#cadence.acked(frame.dirty);
        if (frame.epoch === this.#progress.epoch) this.#progress.ack(frame.seq);
        break;
      case "cadence":
        this.#cadence.want(frame.rates);
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

  /** Sends what waits, in several batches where it is much: the last one says which rates are due. */
  #send(now: number, onlyNudge = false): void {
    const view = this.#options.view();
    const socket = this.#socket;
    if (!this.#ready || socket === undefined || view === undefined) return;
    if (socket.bufferedAmount > SOCKET_BYTES || !this.#progress.knowsWhatItLacks) return;
    const stretch = this.#progress.send(onlyNudge ? 0 : BATCH_COUNT);
    const isLast = onlyNudge || this.#progress.waiting === 0;
    const due = isLast ? this.#cadence.owed : [];
    const epoch = this.#progress.epoch ?? view.epoch;
    const through = epoch === view.epoch ? this.#progress.completeThrough(view.next) : stretch.seq;
    const asOf = this.#progress.completeUpTo(view.asOf);
    const { opens, status } = view;
    socket.send(encodeBatch({ epoch, ...stretch, through, opens, asOf, status, due }));
    this.#cadence.sent(now, epoch, stretch.events.length > 0, due);
    if (!isLast) this.#send(now);
  }
}

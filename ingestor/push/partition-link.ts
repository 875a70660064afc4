/**
 * The pusher's end of one partition's feed. While rates are wanted it sends every event, from the ring; an idle feed is sent
 * the newest tickers, and only when somebody reads them. Nothing is held for it: what it lacks is sent from the ring again, and
 * where that no longer reaches, it begins anew with the newest tickers.
 */

import type WebSocket from "ws";
import type { Source } from "../../protocol/events.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import {
  type PartitionFrame,
  type PartitionReply,
  partitionReply,
  type ReplayRequest,
} from "../../protocol/partition-frames.ts";
import type { Position } from "../../protocol/position.ts";
import type { Rate } from "../../protocol/stream.ts";
import { DueRates } from "./due-rates.ts";
import type { EdgeSource } from "./edge-totals.ts";
import type { NewestTickers } from "./newest-tickers.ts";
import { encodePartitionBatch, encodeTickerList, PAGE_BYTES } from "./partition-encoder.ts";
import { ReplaySender } from "./replay-sender.ts";
import type { EventRing } from "./ring.ts";

/** The partition at the moment of sending; the ring and the newest tickers stand where it does. */
export interface LogView {
  readonly epoch: string;
  /** Log time (ms) up to which everything has been read. */
  readonly asOf: number;
  /** JSON text of the collector's status, without the `asOf` that each batch gives it. */
  readonly status: string;
  readonly source: Source;
}

export interface PartitionLinkOptions {
  readonly ring: EventRing;
  readonly newest: NewestTickers;
  /** Undefined while nothing is known of the log. */
  readonly view: () => LogView | undefined;
  /** Hears what the feed has done. */
  readonly counted: EdgeSource;
  readonly onReplaced: () => void;
}

/** What may lie in the socket itself, bytes, before sending waits. */
const SOCKET_BYTES = 4 * 1024 * 1024;
/** While a rate is wanted there is a batch at least this often, ms: positions and `asOf` move on without events, too. */
const HEARTBEAT = 1000;
/** A feed that batches flow to says nothing by itself: so often, ms, one of them asks what it has counted. */
const COUNT_PERIOD = 5000;

export class PartitionLink {
  readonly #options: PartitionLinkOptions;
  #socket: WebSocket | undefined;
  #replays: ReplaySender | undefined;
  /** Replays that were asked for before anything was known of the log. */
  #early: ReplayRequest[] = [];
  /** The feed has said what it has. */
  #ready = false;
  /** What the feed has once it has taken what was sent; null for nothing. */
  #position: Position | null = null;
  readonly #due = new DueRates();
  /** A list is being read, and was not sent yet. */
  #asked = false;
  readonly #gone = new Set<string>();
  #lastBatch = 0;
  #lastCount = 0;

  constructor(options: PartitionLinkOptions) {
    this.#options = options;
  }

  /** Whether anyone listens. */
  get listened(): boolean {
    return this.#due.wanted.length > 0;
  }

  opened(socket: WebSocket): void {
    this.#socket = socket;
    this.#replays = new ReplaySender(this.#options.ring, socket);
  }

  closed(): void {
    this.#socket = undefined;
    this.#replays = undefined;
    this.#early = [];
    this.#ready = false;
    this.#asked = false;
    this.#due.want([]);
    this.#options.counted.gone();
  }

  /** @throws when the feed says what no feed says */
  onMessage(text: string): void {
    const frame = partitionReply.parse(upgradeIngest(JSON.parse(text)));
    if ("counts" in frame && frame.counts !== undefined) this.#options.counted.take(frame.counts);
    this.#obey(frame, Date.now());
  }

  /** After each stretch of the log. */
  onRead(now: number): void {
    this.#answerReplays();
    this.#replays?.onRead();
    if (this.#asked || (this.#due.wantsRaw && this.#waiting)) this.#send(now);
  }

  /** A tick of the grid, with the rates whose period ends with it. */
  onGrid(now: number, due: readonly Rate[]): void {
    this.#answerReplays();
    if (!this.listened) {
      if (this.#asked) this.#send(now);
      return;
    }
    const waiting = this.#waiting;
    this.#due.tick(due, waiting);
    const isDue = this.#due.owed.length > 0 || (waiting && this.#due.wantsRaw);
    if (isDue || this.#asked || now - this.#lastBatch >= HEARTBEAT) this.#send(now);
  }

  /** The exchange's state has changed: those who listen should hear of it now. */
  onStatus(now: number): void {
    if (this.listened) this.#send(now);
  }

  /** The log is about to become another one: what is left of the old one is sent while it can be. */
  onEpochEnds(now: number): void {
    if (this.listened) this.#send(now);
    this.#replays?.abandon();
  }

  /** An instrument that is no longer collected. */
  forget(instrument: string): void {
    this.#options.newest.forget(instrument);
    this.#gone.add(instrument);
  }

  /** Has the clients of the feed's relays reconnect within `within` ms. */
  drain(within: number): void {
    if (this.#ready && this.listened) this.#say({ op: "drain", within });
  }

  #obey(frame: PartitionReply, now: number): void {
    switch (frame.op) {
      case "ready":
        this.#ready = true;
        this.#position = frame.epoch === null ? null : { epoch: frame.epoch, seq: frame.through };
        this.#due.want(frame.rates);
        break;
      case "cadence": {
        const wasIdle = !this.listened;
        this.#due.want(frame.rates);
        // What an idle feed was not sent, nobody has listened to.
        if (wasIdle && this.listened && this.#canSend) this.#sendList();
        break;
      }
      case "resend":
        if (frame.epoch === this.#position?.epoch) this.#position = { epoch: frame.epoch, seq: frame.from };
        break;
      case "replay":
        this.#early.push(frame);
        this.#answerReplays();
        return;
      case "read":
        this.#asked = true;
        break;
      case "counts":
        return;
      case "replaced":
        this.#ready = false;
        this.#options.onReplaced();
        return;
    }
    if (this.listened || this.#asked) this.#send(now);
  }

  #answerReplays(): void {
    if (this.#early.length === 0) return;
    const epoch = this.#options.view()?.epoch;
    if (epoch === undefined) return;
    // Before the feed is told of another log, its position is of one that the ring has no more.
    const live = this.#position?.epoch === epoch ? this.#position : null;
    for (const request of this.#early.splice(0)) this.#replays?.answer(request, live);
  }

  /** Whether there is something that the feed lacks; a feed that is in another log lacks all of this one. */
  get #waiting(): boolean {
    const { ring, view } = this.#options;
    const position = this.#position;
    return position === null || position.epoch !== view()?.epoch || ring.hasAfter(position.seq);
  }

  get #canSend(): boolean {
    return this.#ready && (this.#socket?.bufferedAmount ?? Number.POSITIVE_INFINITY) <= SOCKET_BYTES;
  }

  #send(now: number): void {
    const view = this.#options.view();
    if (!this.#canSend || view === undefined) return;
    this.#sendGone();
    if (!this.listened) this.#sendList();
    else this.#sendBatches(view, now);
    this.#asked = false;
  }

  /** Takes the feed to the position that has been read: with all that is newest, or what is newer than what it has. */
  #sendList(): void {
    const { newest, ring, view } = this.#options;
    const { epoch, asOf, source } = view() ?? {};
    if (epoch === undefined || asOf === undefined || source === undefined) return;
    const { from, tickers } = newest.after(this.#position, source);
    const through = ring.end;
    for (const page of encodeTickerList({ epoch, from, through, asOf }, tickers)) this.#socket?.send(page);
    // A pusher that has just begun may be behind what another one has told.
    const seq = this.#position?.epoch === epoch ? Math.max(this.#position.seq, through) : through;
    this.#position = { epoch, seq };
  }

  /** Sends what waits, page by page; what does not fit the socket waits on in the ring. */
  #sendBatches(view: LogView, now: number): void {
    const { ring } = this.#options;
    if (this.#position?.epoch !== view.epoch || !ring.reaches(this.#position.seq)) this.#sendList();
    for (let more = true; more && this.#position !== null && this.#canSend; ) {
      const prev = Math.min(this.#position.seq, ring.end);
      const { events, through, next } = ring.page(prev, { to: ring.end, bytes: PAGE_BYTES });
      more = next !== undefined;
      const asOf = Math.min(view.asOf, next?.logged ?? view.asOf);
      const due = more ? [] : this.#due.owed;
      const { epoch, status } = view;
      const count = now - this.#lastCount >= COUNT_PERIOD;
      if (count) this.#lastCount = now;
      this.#socket?.send(encodePartitionBatch({ epoch, prev, through, asOf, due, count }, status, events));
      this.#position = { epoch, seq: Math.max(this.#position.seq, through) };
      this.#lastBatch = now;
      this.#due.sent(events.length > 0, due);
    }
  }

  #sendGone(): void {
    const { newest } = this.#options;
    // One that is back already is not gone.
    const instruments = [...this.#gone].filter((instrument) => !newest.has(instrument));
    this.#gone.clear();
    if (instruments.length > 0) this.#say({ op: "gone", instruments });
  }

  #say(frame: Extract<PartitionFrame, { op: "gone" | "drain" }>): void {
    this.#socket?.send(encodeIngest(frame));
  }
}

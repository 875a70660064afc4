/** What the pusher holds of one partition: its feeds, how far it has read, and up to where it may commit. */

import type { GapEvent, Source } from "../../protocol/events.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { AckedBefore, CollectorStatus, Commit, Expired, LoggedStatus, LogRecord } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import type { PartitionView } from "./batch.ts";
import type { EdgeClient } from "./edge-client.ts";
import type { EdgeTotals } from "./edge-totals.ts";
import { FeedLink } from "./feed-link.ts";
import { ManagedFeed } from "./managed-feed.ts";
import type { CatchUp } from "./parking.ts";
import type { LogView } from "./partition-link.ts";
import { PartitionPublisher } from "./partition-publisher.ts";
import { ReconnectingSocket } from "./reconnecting-socket.ts";
import type { RingMemory } from "./ring-memory.ts";
import type { Semaphore } from "./semaphore.ts";

export interface PartitionOptions {
  readonly exchange: string;
  /** What the prices are, until a collector's status says it. */
  readonly source: Source;
  readonly partition: number;
  readonly edge: EdgeClient;
  readonly semaphore: Semaphore;
  readonly idleBatch: number;
  readonly parkBytes: number;
  readonly ringMemory: RingMemory;
  readonly totals: EdgeTotals;
  readonly logger: Logger;
  readonly onBytes: (change: number) => void;
  readonly onLack: (link: FeedLink, catchUp: CatchUp) => void;
  /** Resolves when the registry knows the markets: before that the edge refuses their feeds. */
  readonly registered: Promise<void>;
  /** Resolves when the group has confirmed, after this moment, that the partition is still this pusher's. */
  readonly confirmation: () => Promise<void>;
}

/** With no event in the whole partition for this long, ms, there is nothing left to gather for idle feeds. */
const SILENCE = 1500;

export class Partition {
  readonly #options: PartitionOptions;
  readonly #feeds = new Map<string, ManagedFeed>();
  /** To the feed of the partition as a whole. */
  readonly #publisher: PartitionPublisher;
  #status: CollectorStatus;
  /** {@link #status} as JSON. */
  #statusText: string;
  #asOf = 0;
  /** The first record read in this epoch: the position before it, and its log time, ms. */
  #opened: { readonly after: number; readonly logged: number } | undefined;
  #next = 0;
  #epoch: string | undefined;
  #committed = 0;
  /** What the feeds had acked before this pusher began. */
  #acked: AckedBefore | undefined;
  #expired: Expired | undefined;
  /** When the last event was read, ms. */
  #lastEvent = 0;

  constructor(options: PartitionOptions) {
    this.#options = options;
    const detail = "no collector has said anything since this pusher started";
    this.#status = { state: "down", source: options.source, since: Date.now(), detail };
    this.#statusText = JSON.stringify(this.#status);
    const { totals, ...shared } = options;
    const [view, gate] = [() => this.#logView(), this.#replacementGate()];
    this.#publisher = new PartitionPublisher({ ...shared, counted: totals.source("partition_feed"), view, gate });
  }

  /** The next offset of the live reading. */
  get next(): number {
    return this.#next;
  }

  get links(): Iterable<FeedLink> {
    return [...this.#feeds.values()].map(({ link }) => link);
  }

  /** Before the first records: what every feed should have. One that has less has lost it. */
  onResumed(epoch: string, acked: AckedBefore, now: number): void {
    this.#enter(epoch, now);
    this.#acked = acked;
    this.#next = acked.offset;
    this.#committed = acked.offset;
    this.#asOf = acked.recent.records.at(-1)?.logged ?? this.#asOf;
    this.#publisher.recall(epoch, acked);
    for (const { link } of this.#feeds.values()) this.#expect(link, now);
  }

  /** Records that count, in order. */
  onRecords(epoch: string, records: readonly LogRecord[], now: number): void {
    this.#enter(epoch, now);
    const touched = new Set<FeedLink>();
    for (const record of records) {
      // After a rebalance the group reads again from what is committed.
      if (record.offset < this.#next) continue;
      this.#next = record.offset + 1;
      this.#opened ??= { after: record.offset - 1, logged: record.logged };
      this.#publisher.take(epoch, record);
      if (record.type === "status") this.#onStatus(record.value, now);
      else touched.add(this.#onEvent(epoch, record, now));
      // While the exchange is away, silence says nothing: complete is only what came before.
      if (this.#status.state === "live" || record.type !== "status") this.#asOf = record.logged;
    }
    for (const link of touched) link.onRead(now);
    this.#publisher.link.onRead(now);
  }

  /** A tick of the grid: `due` are the rates whose period ends with it. */
  onGrid(now: number, due: readonly Rate[]): void {
    this.#publisher.link.onGrid(now, due);
    const silent = now - this.#lastEvent > SILENCE;
    for (const [instrument, feed] of this.#feeds) {
      feed.link.onGrid(now, due, silent);
      if (feed.retire(now)) this.#letGo(instrument, feed, "no longer collected: its clients are told");
    }
  }

  /**
   * What stood before the records that come next has expired: every feed is told, since nobody knows whose events it was.
   * Its position is that of the last one that has gone.
   */
  onExpired(epoch: string, expired: Expired, now: number): void {
    this.#enter(epoch, now);
    this.#expired = expired;
    this.#publisher.skip(epoch, expired.seq);
    for (const { link } of this.#feeds.values()) link.take(epoch, expiredGap(link.instrument, expired), now);
  }

  /** Opens the feed of an instrument, so that its listeners hear of the exchange's state even if it is never traded. */
  open(instrument: string): void {
    this.#feed(instrument).list();
  }

  /**
   * Whatever is not listed any more is retired as soon as its feed has all that came before. What the edge refuses is let
   * go of: what such a feed holds would hold the commit for good.
   */
  dropUnlisted(listed: ReadonlySet<string>, now: number): void {
    for (const [instrument, feed] of this.#feeds) {
      if (listed.has(instrument)) continue;
      feed.unlist(now);
      if (feed.refusedForGood(now)) this.#letGo(instrument, feed, "not listed, and refused by the edge: let go");
    }
  }

  /** Has the clients of every feed that somebody listens to reconnect, each within `within` ms. */
  drain(within: number): void {
    this.#publisher.link.drain(within);
    for (const { link } of this.#feeds.values()) if (link.listened) link.say({ op: "drain", within });
  }

  /** What may be committed now, and in which epoch; undefined when nothing has changed. */
  commitable(): Omit<Commit, "partition"> | undefined {
    if (this.#epoch === undefined) return undefined;
    const holds = [...this.#feeds.values()].flatMap(({ link }) => link.holds ?? []);
    const offset = Math.min(this.#next, ...holds);
    if (offset <= this.#committed) return undefined;
    return { epoch: this.#epoch, offset };
  }

  /** Offsets of another epoch, which may have begun meanwhile, say nothing of this one. */
  onCommitted({ epoch, offset }: Omit<Commit, "partition">): void {
    if (epoch === this.#epoch) this.#committed = offset;
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#publisher.close();
  }

  /** Offsets of one epoch do not compare with those of another. Every feed goes over, also one without an event in the new one. */
  #enter(epoch: string, now: number): void {
    if (epoch === this.#epoch) return;
    // Before anything is forgotten: what is not sent yet of the old log goes out, with what was known of it.
    for (const { link } of this.#feeds.values()) link.enter(epoch, now);
    this.#publisher.link.onEpochEnds(now);
    this.#epoch = epoch;
    this.#committed = 0;
    this.#next = 0;
    this.#acked = undefined;
    this.#expired = undefined;
    this.#opened = undefined;
  }

  #onEvent(epoch: string, record: LogRecord, now: number): FeedLink {
    this.#lastEvent = now;
    const { link } = this.#feed(record.key);
    link.take(epoch, record, now);
    return link;
  }

  #onStatus(text: string, now: number): void {
    // What a collector tells its successor is nobody else's affair.
    const { healing: _healing, doubted: _doubted, ...status } = JSON.parse(text) as LoggedStatus;
    const statusText = JSON.stringify(status);
    if (statusText === this.#statusText) return;
    this.#statusText = statusText;
    this.#status = status;
    for (const { link } of this.#feeds.values()) link.onStatus(now);
    this.#publisher.link.onStatus(now);
  }

  #view(): PartitionView | undefined {
    const [epoch, opened] = [this.#epoch, this.#opened];
    if (epoch === undefined || opened === undefined) return undefined;
    return { epoch, asOf: this.#asOf, opens: opened.after, next: this.#next, status: this.#statusText };
  }

  /** What a link that is opened in the middle of an epoch must know of it. */
  #catchUpOnEpoch(link: FeedLink, now: number): void {
    if (this.#epoch === undefined) return;
    link.enter(this.#epoch, now);
    this.#expect(link, now);
    if (this.#expired !== undefined) link.take(this.#epoch, expiredGap(link.instrument, this.#expired), now);
  }

  /** For the partition's own feed: it is told what another pusher has read, too. */
  #logView(): LogView | undefined {
    if (this.#epoch === undefined) return undefined;
    return { epoch: this.#epoch, asOf: this.#asOf, status: this.#statusText, source: this.#status.source };
  }

  #expect(link: FeedLink, now: number): void {
    const seq = this.#acked?.last.get(link.instrument);
    if (this.#epoch === undefined || this.#acked === undefined || seq === undefined) return;
    link.expect(this.#epoch, { seq, from: this.#acked.from }, now);
  }

  #letGo(instrument: string, feed: ManagedFeed, why: string): void {
    const { holds } = feed.link;
    this.#options.logger[holds === undefined ? "info" : "warn"]({ instrument, holds }, why);
    feed.close();
    this.#feeds.delete(instrument);
    this.#publisher.link.forget(instrument);
  }

  #feed(instrument: string): ManagedFeed {
    const known = this.#feeds.get(instrument);
    if (known !== undefined) return known;
    const { partition, idleBatch, parkBytes, logger, onBytes, onLack, edge, semaphore, exchange, totals } =
      this.#options;
    const gate = this.#replacementGate();
    const view = () => this.#view();
    const link = new FeedLink({
      instrument,
      partition,
      idleBatch,
      parkBytes,
      view,
      logger,
      onBytes,
      counted: totals.source("symbol_feed"),
      onLack,
      onReplaced: gate.close,
    });
    const { symbol } = parseInstrument(instrument);
    const reconnecting = new ReconnectingSocket(
      () => edge.publish(exchange, symbol),
      semaphore,
      {
        open: (socket) => link.opened(socket),
        message: (text) => link.onMessage(text),
        closed: () => link.closed(),
        mayDial: gate.passed,
      },
      logger,
    );
    const feed = new ManagedFeed(link, reconnecting);
    this.#feeds.set(instrument, feed);
    this.#catchUpOnEpoch(link, Date.now());
    return feed;
  }

  /** A publisher that was replaced comes back only when the group says that the partition is still ours: no flapping. */
  #replacementGate() {
    let confirmed: Promise<void> = this.#options.registered;
    return {
      close: () => {
        confirmed = this.#options.confirmation();
      },
      passed: () => confirmed,
    };
  }
}

/** The gap that stands, for one instrument, in place of what has expired. */
export function expiredGap(instrument: string, { seq, since, until }: Expired): LogRecord {
  const gap: GapEvent = { type: "gap", instrument, received: null, cause: "log_expired", since, until, state: "lost" };
  const origin = { kind: "event", incarnation: "", term: 1 } as const;
  return { offset: seq, logged: until, key: instrument, value: JSON.stringify(gap), type: "gap", origin };
}

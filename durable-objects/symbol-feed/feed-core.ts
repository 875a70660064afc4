/**
 * The feed of one instrument without its sockets: takes batches of the log, knows what was broadcast and what is stored,
 * and makes the items of every stream. It never sends anything itself.
 */

import type { MarketEvent, Source } from "../../protocol/events.ts";
import type { FeedStatus } from "../../protocol/frames.ts";
import type { LoggedEvent, TicksFrame } from "../../protocol/ingest.ts";
import { OPENING_MARKERS } from "../../protocol/log-record.ts";
import { CHANNEL_KINDS, type Rate } from "../../protocol/stream.ts";
import { epochGap } from "../streams/epoch-gap.ts";
import type { FeedStream } from "../streams/feed-stream.ts";
import { FeedEvent, type Item, type ItemContext } from "../streams/item.ts";
import type { StreamKey, StreamPositions } from "../streams/stream-key.ts";
import { feedStreams } from "./channels.ts";
import { type FeedRecord, type FeedStore, rememberEpoch } from "./feed-store.ts";
import { NewestTicker } from "./newest-ticker.ts";
import type { TradeHistory } from "./trade-history.ts";

/** What became of a batch. */
export type Accepted =
  | { readonly kind: "applied" }
  /** The feed has gone over to the batch's epoch: store at once. */
  | { readonly kind: "changed" }
  | { readonly kind: "hole"; readonly epoch: string; readonly from: number };

/** Items to broadcast, by stream. */
export type Outgoing = ReadonlyMap<StreamKey, readonly Item[]>;

type Listening = (stream: StreamKey) => boolean;

export class FeedCore {
  readonly instrument: string;
  readonly #store: FeedStore;
  readonly #history: TradeHistory;
  readonly #record: Omit<FeedRecord, "ticker">;
  #ticker: NewestTicker | null;
  readonly #streams: ReadonlyMap<StreamKey, FeedStream>;
  /** Those that an event of a type belongs to, so that it costs nothing to all others. */
  readonly #takers: Readonly<Record<MarketEvent["type"], readonly FeedStream[]>>;
  /** What was broadcast before the memory went away and has not come again yet. */
  #owed = 0;
  #storedSeq: number;
  #unstored = false;
  /** What the publisher said last of {@link through}; in memory only. */
  #through = 0;

  constructor(instrument: string, store: FeedStore, history: TradeHistory) {
    this.instrument = instrument;
    this.#store = store;
    this.#history = history;
    const { ticker, ...record } = store.load();
    this.#record = record;
    this.#ticker = ticker && NewestTicker.stored(instrument, ticker);
    this.#storedSeq = this.#record.seq;
    this.#streams = feedStreams(history);
    const takers = (type: MarketEvent["type"]) => [...this.#streams.values()].filter((one) => one.accepts(type));
    this.#takers = { ticker: takers("ticker"), trade: takers("trade"), gap: takers("gap") };
    this.#adopt(this.#record.positions);
    this.#showStoredTicker();
    this.#passOver(this.#record.positions);
    this.#owed = Math.max(0, ...Object.values(this.#record.positions));
  }

  get epoch(): string | null {
    return this.#record.epoch;
  }

  /** The last event taken in. */
  get seq(): number {
    return this.#record.seq;
  }

  /**
   * The position up to which everything is here: the last event's, or beyond, as the publisher says with each batch. After
   * hibernation that is known again with the next one.
   */
  get through(): number {
    return Math.max(this.#record.seq, this.#through);
  }

  /** The last event that is in storage: what may be acked. */
  get storedSeq(): number {
    return this.#storedSeq;
  }

  get status(): FeedStatus | null {
    return this.#record.status;
  }

  /** Whether something waits to be stored. */
  get unstored(): boolean {
    return this.#unstored;
  }

  /** Whether something waits to be broadcast. */
  get unflushed(): boolean {
    for (const stream of this.#streams.values()) if (stream.dirty) return true;
    return false;
  }

  /** Whether everything that was broadcast before the memory went away has come again. */
  get caughtUp(): boolean {
    return this.#record.seq >= this.#owed;
  }

  get positions(): StreamPositions {
    const positions: StreamPositions = {};
    for (const { key, position } of this.#streams.values()) positions[key] = position;
    return positions;
  }

  /** After hibernation: the sockets had already been sent up to these positions, whatever storage says. */
  restorePositions(epoch: string, positions: StreamPositions): void {
    if (epoch !== this.#record.epoch) return;
    this.#adopt(positions);
    this.#owed = Math.max(this.#owed, ...Object.values(positions));
  }

  /** A known status from elsewhere than a batch: the publisher has gone. */
  setStatus(status: FeedStatus): void {
    this.#record.status = status;
  }

  /**
   * Takes a batch in. Events that are known already are dropped; a batch that starts too late is refused whole. Before one
   * of another epoch everything has to be flushed.
   */
  accept(frame: TicksFrame, listening: Listening): Accepted {
    const accepted = this.#take(frame, listening);
    // What a batch says of completeness holds only for whoever has everything before it.
    if (accepted.kind === "hole") return accepted;
    this.#record.status = { ...frame.status, asOf: frame.asOf };
    if (frame.epoch === this.#record.epoch) this.#through = Math.max(this.#through, frame.through);
    return accepted;
  }

  /** Items whose period is over; `raw` always is. */
  flush(due: readonly Rate[], context: ItemContext): Outgoing {
    const outgoing = new Map<StreamKey, readonly Item[]>();
    for (const stream of this.#streams.values()) {
      if (!stream.dirty || (stream.rate !== "raw" && !due.includes(stream.rate))) continue;
      outgoing.set(stream.key, stream.flush(context));
    }
    return outgoing;
  }

  /** How many events a newer one has replaced before they were due, since this was asked last. */
  takeFolded(): number {
    let folded = 0;
    for (const stream of this.#streams.values()) folded += stream.takeFolded();
    return folded;
  }

  /**
   * Writes what is new to storage. Nothing on the way of a tick waits for it: `send()` is held back by storage writes.
   * Only for when nothing is {@link unflushed}: what is stored does not come again.
   */
  store(): void {
    if (!this.#unstored) return;
    const expired = this.#history.store();
    if (expired !== undefined) this.#record.floor = Math.max(this.#record.floor, expired);
    rememberEpoch(this.#record);
    this.#record.positions = this.positions;
    this.#store.save(this.#record, this.#ticker);
    this.#storedSeq = this.#record.seq;
    this.#unstored = false;
  }

  /** Writes the broadcast positions too, for when the publisher's attachment, where they live, goes away. */
  storePositions(): void {
    this.#unstored = true;
    this.store();
  }

  position(key: StreamKey): number {
    return this.#stream(key).position;
  }

  /** The first item of a new subscription; undefined where nothing is known yet. */
  snapshot(key: StreamKey, context: ItemContext): Item | undefined {
    return this.#stream(key).snapshot(context);
  }

  /** Whether every trade above `seq` is still kept. */
  canRecover(seq: number): boolean {
    const { floor, start } = this.#record;
    // Nothing stands at the opening markers but what a client was told before the first event: all since then is kept if
    // nothing has been let go yet.
    return seq >= floor || (seq < OPENING_MARKERS && floor === start);
  }

  /**
   * The items that a client at `from` has missed, up to what the stream has broadcast; undefined on a state stream, where the
   * snapshot makes up for them.
   */
  recover(key: StreamKey, from: number, context: ItemContext): Item[] | undefined {
    return this.#stream(key).recover(from, context);
  }

  newestTrades(limit: number): LoggedEvent[] {
    return this.#history.newestTrades(limit);
  }

  /** The newest ticker; null where none has come yet. */
  get ticker(): NewestTicker | null {
    return this.#ticker;
  }

  get source(): Source {
    return this.#record.status?.source ?? "live";
  }

  #take(frame: TicksFrame, listening: Listening): Accepted {
    const { epoch, prev, events, opens } = frame;
    const isOther = epoch !== this.#record.epoch;
    // What an unknown log holds before `prev` has been lost, or this feed would have been sent it.
    const have = isOther ? (this.#record.epochs.find(([known]) => known === epoch)?.[1] ?? prev) : this.#record.seq;
    if (prev > have) return { kind: "hole", epoch, from: have };
    if (isOther) {
      // Of a pusher of an older version only an event tells of another log.
      if (opens === null) return { kind: "applied" };
      this.#changeEpoch(frame, opens, have, listening);
    }
    this.#applyAll(events, listening);
    return { kind: isOther ? "changed" : "applied" };
  }

  #stream(key: StreamKey): FeedStream {
    const stream = this.#streams.get(key);
    if (stream === undefined) throw new RangeError(`there is no stream ${key}`);
    return stream;
  }

  #adopt(positions: StreamPositions): void {
    for (const stream of this.#streams.values()) stream.adopt(positions[stream.key] ?? 0);
  }

  /**
   * A stream that there was none of when the positions were stored had no listeners, so it passed over everything: one of
   * state up to the value that it shows a newcomer, which the next item must continue; one of the log up to where storage is.
   */
  #passOver(stored: StreamPositions): void {
    for (const stream of this.#streams.values()) {
      if (CHANNEL_KINDS[stream.channel] === "log" && stored[stream.key] === undefined) stream.adopt(this.#record.seq);
    }
  }

  /** To the streams of state, what was stored is what was broadcast last. */
  #showStoredTicker(): void {
    const stored = this.#ticker;
    if (stored === null || stored.epoch !== this.#record.epoch) return;
    for (const stream of this.#takers.ticker) stream.take(stored.event, false);
  }

  #applyAll(events: readonly LoggedEvent[], listening: Listening): void {
    for (const logged of events) if (logged.seq > this.#record.seq) this.#apply(new FeedEvent(logged), listening);
  }

  #apply(event: FeedEvent, listening: Listening): void {
    this.#record.seq = event.seq;
    this.#unstored = true;
    const ticker = NewestTicker.of(this.#record.epoch ?? "", event);
    if (ticker === undefined) this.#history.add(event);
    else this.#ticker = ticker;
    for (const stream of this.#takers[event.event.type]) stream.take(event, listening(stream.key));
  }

  /**
   * Goes over to another log, of which everything up to `have` is known. Every stream goes on with a snapshot in the new epoch,
   * and `trade` with a gap after it. Both stand where no event of this instrument does, at the markers' own offsets: 0 and 1 in
   * a log that its pusher has read from its beginning; else the gap where the log was taken over, and the snapshot at what is
   * known. Of a log that goes on without room for that they take the place of what is known.
   */
  #changeEpoch(frame: TicksFrame, opens: number, have: number, listening: Listening): void {
    const record = this.#record;
    const continues = record.epoch !== null;
    const first = frame.events.find(({ seq }) => seq > have);
    const free = first === undefined ? Math.max(have, frame.through) : first.seq - 1;
    const gapSeq = Math.max(1, Math.min(Math.max(opens, have + 1), free));
    const until = first?.logged ?? frame.asOf;
    const since = this.#ticker?.event.logged ?? this.#history.newest?.logged ?? until;
    rememberEpoch(record);
    this.#history.clear();
    record.epoch = frame.epoch;
    record.seq = continues ? Math.min(have, gapSeq - 1) : have;
    // What the pusher has not read may have been lost.
    record.floor = have > 0 ? have : Math.min(opens, free);
    record.start = have > 0 ? 0 : record.floor;
    this.#owed = 0;
    this.#through = 0;
    for (const stream of this.#streams.values()) stream.changeEpoch(record.seq, continues, listening(stream.key));
    if (continues) this.#apply(new FeedEvent(epochGap(this.instrument, gapSeq, since, until)), listening);
    this.#unstored = true;
  }
}

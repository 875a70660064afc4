/**
 * The feed of one instrument without its sockets: takes batches of the log, knows what was broadcast and what is stored,
 * and makes the items of every line. It never sends anything itself.
 */

import type { DataItem, FeedStatus } from "../protocol/frames.ts";
import type { LatestTicker, LoggedEvent, TicksFrame } from "../protocol/ingest.ts";
import { CHANNELS, RATES, type Rate } from "../protocol/stream.ts";
import { epochGap } from "./epoch-gap.ts";
import { EPOCHS_KEPT, type FeedRecord, type FeedStore } from "./feed-store.ts";
import {
  groupTrades,
  type ItemContext,
  Line,
  type LineName,
  type LinePositions,
  makeItem,
  pathOf,
  tickerSnapshot,
  tradeItems,
  tradeSnapshot,
} from "./lines.ts";
import type { TradeHistory } from "./trade-history.ts";

/** Trades in one item of a recovery: it may reach ten minutes back. */
const RECOVERED_TRADES = 500;

/** What became of a batch. */
export type Accepted =
  | { readonly kind: "applied" }
  /** The feed has gone over to the batch's epoch: store at once. */
  | { readonly kind: "changed" }
  /** All of it was stored in an earlier epoch, up to `seq`. */
  | { readonly kind: "known"; readonly epoch: string; readonly seq: number }
  | { readonly kind: "hole"; readonly epoch: string; readonly from: number };

/** Items to broadcast, by line. */
export type Outgoing = Map<LineName, DataItem[]>;

export class FeedCore {
  readonly instrument: string;
  readonly #store: FeedStore;
  readonly #history: TradeHistory;
  readonly #record: FeedRecord;
  readonly #lines: ReadonlyMap<LineName, Line>;
  /** What was broadcast before the memory went away and has not come again yet. */
  #owed = 0;
  #storedSeq: number;
  #unstored = false;

  constructor(instrument: string, store: FeedStore, history: TradeHistory) {
    this.instrument = instrument;
    this.#store = store;
    this.#history = history;
    this.#record = store.load();
    this.#storedSeq = this.#record.seq;
    const lines = CHANNELS.flatMap((channel) => RATES.map((rate) => new Line(channel, rate)));
    this.#lines = new Map(lines.map((line) => [line.name, line]));
    this.#adopt(this.#record.lines);
    this.#owed = Math.max(0, ...Object.values(this.#record.lines));
  }

  get epoch(): string | null {
    return this.#record.epoch;
  }

  /** The last event taken in. */
  get seq(): number {
    return this.#record.seq;
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
    return [...this.#lines.values()].some((line) => line.dirty);
  }

  /** Whether everything that was broadcast before the memory went away has come again. */
  get caughtUp(): boolean {
    return this.#record.seq >= this.#owed;
  }

  get positions(): LinePositions {
    return Object.fromEntries([...this.#lines].map(([name, line]) => [name, line.position]));
  }

  /** After hibernation: the sockets had already been sent up to these positions, whatever storage says. */
  restorePositions(epoch: string, positions: LinePositions): void {
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
  accept(frame: TicksFrame, listening: (line: LineName) => boolean): Accepted {
    const accepted = this.#take(frame, listening);
    // What a batch says of completeness holds only for whoever has everything before it.
    if (accepted.kind !== "hole") this.#record.status = { ...frame.status, asOf: frame.asOf };
    return accepted;
  }

  /** Items whose period is over; `raw` always is. */
  flush(due: readonly Rate[], context: ItemContext): Outgoing {
    const outgoing: Outgoing = new Map();
    for (const line of this.#lines.values()) {
      if (line.rate !== "raw" && !due.includes(line.rate)) continue;
      const items = line.flush(context);
      if (items.length > 0) outgoing.set(line.name, items);
    }
    return outgoing;
  }

  /**
   * Writes what is new to storage. Nothing on the way of a tick waits for it: `send()` is held back by storage writes.
   * Only for when nothing is {@link unflushed}: what is stored does not come again.
   */
  store(): void {
    if (!this.#unstored) return;
    const expired = this.#history.store();
    if (expired !== undefined) this.#record.floor = Math.max(this.#record.floor, expired);
    this.#rememberEpoch();
    this.#record.lines = this.positions;
    this.#store.save(this.#record);
    this.#storedSeq = this.#record.seq;
    this.#unstored = false;
  }

  /** Writes the broadcast positions too, for when the publisher's attachment, where they live, goes away. */
  storePositions(): void {
    this.#unstored = true;
    this.store();
  }

  position(line: LineName): number {
    return this.#line(line).position;
  }

  /** The first item of a new subscription; undefined where nothing is known yet. */
  snapshot(name: LineName, context: ItemContext): DataItem | undefined {
    const line = this.#line(name);
    if (line.channel === "ticker") {
      const latest = this.#record.ticker;
      if (latest === null || latest.epoch !== this.#record.epoch || line.position === 0) return undefined;
      return tickerSnapshot(line, line.position, latest.ticker, { ...latest.t, edge: context.edge }, context);
    }
    const newest = this.#history.newest;
    if (newest === undefined || line.position === 0) return undefined;
    const trade = this.#history.newestTrades(1)[0];
    const t = pathOf(trade ?? newest, context.edge);
    return tradeSnapshot(line, line.position, trade === undefined ? null : (tradeItems(trade)[0] ?? null), t, context);
  }

  /** Whether every trade above `seq` is still kept. */
  canRecover(seq: number): boolean {
    const { floor, start } = this.#record;
    // 0 is what a client was told while nothing was known: all that came since is kept if nothing has been let go yet.
    return seq >= floor || (seq === 0 && floor === start);
  }

  /** The items that a client at `from` has missed on a `trade` line, up to what the line has broadcast. */
  recover(name: LineName, from: number, context: ItemContext): DataItem[] {
    const line = this.#line(name);
    let prev = from;
    const missed = this.#history.since(from, line.position);
    const groups = line.rate === "raw" ? missed.map((logged) => [logged]) : groupTrades(missed, RECOVERED_TRADES);
    return groups.map((group) => {
      const item = makeItem(line, group, prev, context);
      prev = item.seq;
      return item;
    });
  }

  newestTrades(limit: number): LoggedEvent[] {
    return this.#history.newestTrades(limit);
  }

  /** The newest ticker as lists and Redis hold it; null where none has come yet. */
  latest(): LatestTicker | null {
    const { ticker: latest, status } = this.#record;
    if (latest === null) return null;
    const { epoch, seq, ticker, t } = latest;
    return { instrument: this.instrument, epoch, seq, source: status?.source ?? "live", ticker, t };
  }

  #take(frame: TicksFrame, listening: (line: LineName) => boolean): Accepted {
    const first = frame.events[0];
    if (first === undefined) return this.#checkEmpty(frame);
    if (frame.epoch !== this.#record.epoch) {
      const known = this.#record.epochs.find(([epoch]) => epoch === frame.epoch)?.[1];
      if (known !== undefined && frame.prev > known) return { kind: "hole", epoch: frame.epoch, from: known };
      const fresh = known === undefined ? frame.events : frame.events.filter(({ seq }) => seq > known);
      if (fresh[0] === undefined) return { kind: "known", epoch: frame.epoch, seq: known ?? 0 };
      this.#changeEpoch(frame.epoch, fresh[0], listening);
      this.#applyAll(frame.events, listening);
      return { kind: "changed" };
    }
    if (frame.prev > this.#record.seq) return { kind: "hole", epoch: frame.epoch, from: this.#record.seq };
    this.#applyAll(frame.events, listening);
    return { kind: "applied" };
  }

  #line(name: LineName): Line {
    const line = this.#lines.get(name);
    if (line === undefined) throw new RangeError(`there is no line ${name}`);
    return line;
  }

  #adopt(positions: LinePositions): void {
    for (const line of this.#lines.values()) line.adopt(positions[line.name] ?? 0);
  }

  /** An empty batch says nothing of epochs, but its `prev` tells whether something before it got lost. */
  #checkEmpty(frame: TicksFrame): Accepted {
    const { epoch } = frame;
    const current = epoch === this.#record.epoch;
    const known = this.#record.epochs.find(([one]) => one === epoch)?.[1];
    const have = current ? this.#record.seq : (known ?? 0);
    if (frame.prev > have) return { kind: "hole", epoch, from: have };
    return current || known === undefined ? { kind: "applied" } : { kind: "known", epoch, seq: known };
  }

  #applyAll(events: readonly LoggedEvent[], listening: (line: LineName) => boolean): void {
    for (const logged of events) if (logged.seq > this.#record.seq) this.#apply(logged, listening);
  }

  #apply(logged: LoggedEvent, listening: (line: LineName) => boolean): void {
    const { seq, event } = logged;
    this.#record.seq = seq;
    this.#unstored = true;
    if (event.type === "ticker") {
      const { type: _type, instrument: _instrument, received, ...ticker } = event;
      this.#record.ticker = {
        epoch: this.#record.epoch ?? "",
        seq,
        ticker,
        t: { exchange: event.time, received, logged: logged.logged },
      };
    } else {
      this.#history.add(logged);
    }
    for (const line of this.#lines.values()) line.take(logged, listening(line.name));
  }

  /**
   * Goes over to another log. Every stream goes on with a snapshot in the new epoch, and `trade` with a gap after it.
   * Those two take the positions just before the first event: a new incarnation opens with two markers, and a known one
   * goes on with a marker, so no event of this instrument stands there.
   */
  #changeEpoch(epoch: string, first: LoggedEvent, listening: (line: LineName) => boolean): void {
    const record = this.#record;
    const before = { epoch: record.epoch, asOf: record.ticker?.t.logged ?? this.#history.newest?.logged };
    this.#rememberEpoch();
    this.#history.clear();
    record.epoch = epoch;
    record.seq = Math.max(0, first.seq - 2);
    record.start = first.seq - 1;
    record.floor = record.start;
    this.#owed = 0;
    for (const line of this.#lines.values()) line.restart(0);
    if (before.epoch === null) return;
    record.start = record.seq;
    record.floor = record.start;
    for (const line of this.#lines.values()) {
      if (line.channel !== "trade") continue;
      line.startsAnew = listening(line.name);
      line.restart(record.seq);
    }
    this.#apply(epochGap(this.instrument, before.asOf ?? first.logged, first), listening);
  }

  #rememberEpoch(): void {
    const { epoch, seq, epochs } = this.#record;
    if (epoch === null) return;
    this.#record.epochs = [...epochs.filter(([known]) => known !== epoch), [epoch, seq] as [string, number]].slice(
      -EPOCHS_KEPT,
    );
  }
}

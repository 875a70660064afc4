/**
 * The feed of one partition without its sockets: how far it has the log, and the newest ticker of each instrument. It takes in
 * what the pusher sends in whatever order reconnects bring it, and never calls a ticker newer than it is known to be.
 */

import { tickerOf } from "../../protocol/events.ts";
import type { LatestTicker, LoggedEvent } from "../../protocol/ingest.ts";
import { OPENING_MARKERS } from "../../protocol/log-record.ts";
import type { PartitionBatch, TickerList } from "../../protocol/partition-frames.ts";
import type { Position } from "../../protocol/position.ts";

/** A ticker and up to when (log time, ms) it is known to be the newest. */
export interface ListedTicker extends LatestTicker {
  readonly asOf: number;
}

/** What became of a batch. */
export type Taken =
  /** These were new; none, where the batch was known already. */
  | { readonly kind: "applied"; readonly events: readonly LoggedEvent[] }
  /** Events between the feed's position and the batch are missing. */
  | { readonly kind: "hole"; readonly epoch: string; readonly from: number }
  /** Nothing is held of the batch's log: it must be begun with a list. */
  | { readonly kind: "unknown" };

/** What became of a page of a list. */
export type ListTaken =
  /** Another page has to come. */
  | { readonly kind: "partial" }
  /** Of a pusher that is behind what another one has told: nothing of it is new. */
  | { readonly kind: "behind" }
  /** The feed has gone on from `before`, null where it knew nothing, to its present position. */
  | { readonly kind: "complete"; readonly before: KnownTo | null; readonly tickers: readonly LatestTicker[] };

/** A position, and the log time (ms) up to which everything before it is known. */
export interface KnownTo extends Position {
  readonly asOf: number;
}

interface Held {
  /** Null where there was none in the instrument's own feed either. */
  ticker: LatestTicker | null;
  /** Up to where nothing newer can have been missed; undefined where that is the feed's own position. */
  knownTo: KnownTo | undefined;
  /** When the instrument's own feed was asked, ms. */
  checked: number;
}

/** What may be out of date is asked of the instrument's own feed again after this, ms. */
const RECHECK = 30_000;
const NEVER = Number.NEGATIVE_INFINITY;

export class PartitionCore {
  readonly #held = new Map<string, Held>();
  /** Up to where everything is known; null after the memory was lost. */
  #position: KnownTo | null = null;
  /** Pages of a list that is not complete yet. */
  #pages: LatestTicker[] = [];

  get position(): KnownTo | null {
    return this.#position;
  }

  takeBatch({ epoch, prev, through, events, asOf, status }: PartitionBatch): Taken {
    const before = this.#position;
    if (before?.epoch !== epoch) return { kind: "unknown" };
    if (prev > before.seq) return { kind: "hole", epoch, from: before.seq };
    // Of a pusher that is behind what another one has told.
    if (through < before.seq) return { kind: "applied", events: [] };
    const fresh = events.filter(({ seq }) => seq > before.seq);
    for (const { seq, logged, event } of fresh) {
      if (event.type !== "ticker") continue;
      const t = { exchange: event.time, received: event.received, logged };
      const { instrument } = event;
      this.#put({ instrument, epoch, seq, source: status.source, ticker: tickerOf(event), t }, epoch);
    }
    this.#position = { epoch, seq: through, asOf: Math.max(before.asOf, asOf) };
    return { kind: "applied", events: fresh };
  }

  /**
   * @param everyEvent the events are wanted, not only the newest tickers: in a log that is another one than before the feed
   *   stays where the pusher has begun to read it, and what lies behind that is asked for again
   */
  takeList({ epoch, from, through, tickers, asOf, more }: TickerList, everyEvent = false): ListTaken {
    this.#pages.push(...tickers);
    if (more) return { kind: "partial" };
    const list = this.#pages;
    this.#pages = [];
    const before = this.#position;
    if (before?.epoch === epoch && through < before.seq) return { kind: "behind" };
    const isOther = before !== null && before.epoch !== epoch;
    this.#beginWith(list, { epoch, seq: everyEvent && isOther ? beginning(from) : through, asOf }, from);
    return { kind: "complete", before, tickers: list };
  }

  /** A new socket: what came over the old one of a list will not be completed. */
  forgetPages(): void {
    this.#pages = [];
  }

  /** Instruments that are no longer collected. */
  forget(instruments: readonly string[]): void {
    for (const instrument of instruments) this.#held.delete(instrument);
  }

  /** The newest known ticker; undefined where none is. */
  ticker(instrument: string): ListedTicker | undefined {
    const held = this.#held.get(instrument);
    if (held === undefined || held.ticker === null) return undefined;
    // Its own feed may have told of one that lies beyond the position here.
    return { ...held.ticker, asOf: Math.max(held.ticker.t.logged, (held.knownTo ?? this.#position)?.asOf ?? 0) };
  }

  /**
   * Instruments of which nothing is known, or of which something newer may have been missed.
   *
   * @param fedUntil when (ms) the pusher was heard last; it may have told something newer to the instruments' own feeds since
   */
  uncertain(instruments: readonly string[], now: number, fedUntil: number): string[] {
    return instruments.filter((instrument) => {
      const held = this.#held.get(instrument);
      if (held === undefined) return true;
      const knownUntil = held.knownTo === undefined ? Math.max(fedUntil, held.checked) : held.checked;
      return now - knownUntil >= RECHECK;
    });
  }

  /** What the instrument's own feed has: it is fed by the same log, but nothing says how far. */
  takeChecked(instrument: string, ticker: LatestTicker | null, now: number): void {
    const held = this.#held.get(instrument);
    const newest = newer(held?.ticker ?? null, ticker);
    if (held !== undefined && held.ticker === newest) held.checked = now;
    else this.#held.set(instrument, { ticker: newest, knownTo: knownFrom(newest), checked: now });
  }

  #beginWith(list: readonly LatestTicker[], position: KnownTo, from: number): void {
    const told = new Set(list.map(({ instrument }) => instrument));
    const before = this.#position;
    for (const [instrument, held] of this.#held) {
      if (told.has(instrument)) continue;
      const knownTo = held.knownTo ?? before ?? knownFrom(held.ticker);
      const joins = knownTo.epoch === position.epoch && knownTo.seq >= from;
      if (!joins && held.knownTo === undefined) held.checked = NEVER;
      held.knownTo = joins ? undefined : knownTo;
    }
    for (const ticker of list) this.#put(ticker, position.epoch);
    this.#position = position;
  }

  /** @param epoch the log that the pusher is in; what it knows of the one before is older than anything of this one */
  #put(ticker: LatestTicker, epoch: string): void {
    const before = this.#held.get(ticker.instrument)?.ticker;
    const isKnown = before?.epoch === epoch && (ticker.epoch !== epoch || before.seq > ticker.seq);
    this.#held.set(ticker.instrument, { ticker: isKnown ? before : ticker, knownTo: undefined, checked: NEVER });
  }
}

/**
 * Where the pusher has begun to read a log that is another one than before: what has changed is told at this position, since
 * no event that it knows of stands there. In a log that is read from its beginning that is the second of its two markers.
 *
 * @param from of a list of that log
 */
export function beginning(from: number): number {
  return Math.max(from, OPENING_MARKERS - 1);
}

/** A ticker alone says nothing of what came after it. */
function knownFrom(ticker: LatestTicker | null): KnownTo {
  if (ticker === null) return { epoch: "", seq: 0, asOf: 0 };
  return { epoch: ticker.epoch, seq: ticker.seq, asOf: ticker.t.logged };
}

/** Positions of different logs do not compare: there the log time decides. */
function newer(one: LatestTicker | null, other: LatestTicker | null): LatestTicker | null {
  if (one === null || other === null) return one ?? other;
  const otherWins = one.epoch === other.epoch ? other.seq > one.seq : other.t.logged > one.t.logged;
  return otherWins ? other : one;
}

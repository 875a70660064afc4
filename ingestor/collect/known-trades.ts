/**
 * Which trades are in the log already, so that an exchange's repeats (every reconnect begins with the last trade again), our
 * own restarts and what is fetched later put nothing into it twice. Ids are compared as text: real frames swap some of them.
 */

import type { TradeEvent } from "../../protocol/events.ts";
import { isDatedAhead, reliedTime } from "../event-time.ts";
import type { Tail } from "../log/log.ts";
import { contentOf, TwinCounts } from "./twin-counts.ts";

/** Trades remembered per instrument, and while none may be forgotten. */
const LIMIT = 2000;
const HELD_LIMIT = 200_000;
/** Two trades of one id whose times (ms) are further apart are two trades: some exchanges tell only the second. */
const SAME_TIME = 1000;

/** Of a trade no more than is needed to tell others from it: there are a million of them. */
interface Kept {
  /** Null where ids don't say, or have begun anew since. */
  readonly id: string | null;
  readonly time: number;
  /** The time (ms) to go by where it is dated in the future. */
  readonly relied?: number;
  /** Where the history has ids of its own. */
  readonly content?: string;
}

interface Known {
  /** By id, in the order they were added. */
  readonly trades: Map<string, Kept>;
  /** Those dated in the future are remembered beyond the limit: by their time they can't be told to be old. */
  readonly ahead: Map<string, Kept>;
  /** Whether ids have begun anew: what had the earlier ones is kept by id and time. */
  renumbered: boolean;
  /** Trades executed before this (ms) may be in the log although they are not remembered. */
  completeFrom: number;
  /** Where the trade history has ids of its own. */
  readonly twins: TwinCounts | undefined;
}

export class KnownTrades {
  readonly #instruments = new Map<string, Known>();
  readonly #completeFrom: number[];
  readonly #partitionOf: (instrument: string) => number;
  readonly #sameIds: boolean;
  /** How many want nothing of an instrument to be forgotten. */
  readonly #held = new Map<string, number>();

  /** @param sameIds whether a trade has the same id on the socket and in the trade history */
  constructor(tails: readonly Tail[], partitionOf: (instrument: string) => number, sameIds = true) {
    this.#completeFrom = tails.map(({ completeFrom }) => completeFrom);
    this.#partitionOf = partitionOf;
    this.#sameIds = sameIds;
    for (const event of tails.flatMap(({ events }) => events)) if (event.type === "trade") this.#recall(event);
  }

  /**
   * Whether a trade from the socket is new, and remembers it.
   *
   * A repeat that is older than what we remember can't be judged by its id. It was either logged while somebody collected,
   * or fell into a gap that has been announced: it stays out.
   */
  admit(trade: TradeEvent): boolean {
    const known = this.#of(trade.instrument);
    if (isKnown(known, trade)) return false;
    if (trade.snapshot && trade.time < known.completeFrom) return false;
    const fetchedBefore = known.twins?.claim(trade) ?? false;
    if (!fetchedBefore) known.twins?.add(trade, "socket");
    this.#remember(trade, known);
    trim(known, this.#limitOf(trade.instrument));
    return !fetchedBefore;
  }

  /** Those of an instrument's fetched trades that the log lacks, in the order given; they are remembered. */
  admitFetched(instrument: string, trades: readonly TradeEvent[]): TradeEvent[] {
    const known = this.#of(instrument);
    // Pages may overlap.
    const told = new Map(trades.map((trade) => [`${keyOf(trade)}/${trade.time}`, trade]));
    const judgeable = [...told.values()].filter(({ time }) => time >= known.completeFrom);
    const missing = known.twins?.missing(judgeable) ?? judgeable.filter((trade) => !isKnown(known, trade));
    for (const trade of missing) {
      known.twins?.add(trade, "history");
      this.#remember(trade, known);
    }
    trim(known, this.#limitOf(instrument));
    return missing;
  }

  /** Whether a fetched trade is in the log, as far as we remember. */
  has(trade: TradeEvent): boolean {
    const known = this.#of(trade.instrument);
    return known.twins?.has(trade) ?? isKnown(known, trade);
  }

  /** Whether a trade executed between two times (ms, both included) is remembered. */
  someBetween(instrument: string, from: number, to: number): boolean {
    for (const kept of this.#of(instrument).trades.values()) {
      const time = timeOf(kept);
      if (time >= from && time <= to) return true;
    }
    return false;
  }

  /** Whether a trade has the id of another one: the exchange has begun its ids anew. */
  reusesId(trade: TradeEvent): boolean {
    const known = this.#of(trade.instrument);
    const kept = known.trades.get(keyOf(trade));
    return kept !== undefined && !isSame(kept, trade) && !isKnown(known, trade);
  }

  /** Ids of an instrument mean other trades from now on: those so far are told by their time as well, and are no longer compared. */
  renumber(instrument: string): void {
    const known = this.#of(instrument);
    const trades = [...known.trades];
    known.trades.clear();
    for (const [key, kept] of trades) {
      if (kept.id === null) known.trades.set(key, kept);
      else known.trades.set(formerKey(kept.id, kept.time), { ...kept, id: null });
    }
    known.renumbered = true;
  }

  /** When (ms) the last of an instrument's trades was executed; null where none is remembered. */
  lastTime(instrument: string): number | null {
    let last: number | null = null;
    for (const kept of this.#of(instrument).trades.values()) last = Math.max(last ?? 0, timeOf(kept));
    return last;
  }

  /** From when on (ms) a fetched trade can be told from those in the log. */
  completeFrom(instrument: string): number {
    return this.#of(instrument).completeFrom;
  }

  /** Of those executed up to a time (ms) the one with the highest id, for exchanges whose ids count up; null where none is remembered. */
  newest(instrument: string, upTo = Number.POSITIVE_INFINITY): { readonly id: string; readonly time: number } | null {
    let newest: { id: string; time: number } | null = null;
    for (const kept of this.#of(instrument).trades.values()) {
      const { id } = kept;
      const time = timeOf(kept);
      if (id !== null && time <= upTo && (newest === null || Number(id) > Number(newest.id))) newest = { id, time };
    }
    return newest;
  }

  /** How many trades of an instrument are remembered: how busy it is, roughly. */
  count(instrument: string): number {
    return this.#of(instrument).trades.size;
  }

  /** Forgets nothing of an instrument while what it missed is fetched: it could not be told from what it has. */
  hold(instrument: string): void {
    this.#held.set(instrument, (this.#held.get(instrument) ?? 0) + 1);
  }

  release(instrument: string): void {
    const held = (this.#held.get(instrument) ?? 0) - 1;
    if (held > 0) this.#held.set(instrument, held);
    else this.#held.delete(instrument);
    trim(this.#of(instrument), this.#limitOf(instrument));
  }

  #limitOf(instrument: string): number {
    return this.#held.has(instrument) ? HELD_LIMIT : LIMIT;
  }

  /** Of the tail nothing is forgotten yet: it may have been read that far back because trades are to be fetched. */
  #recall(trade: TradeEvent): void {
    const known = this.#of(trade.instrument);
    // A late trade that is no repeat of the socket's was fetched.
    known.twins?.add(trade, trade.late === true && !trade.snapshot ? "history" : "socket");
    this.#remember(trade, known);
  }

  #remember(trade: TradeEvent, known: Known): void {
    const { id, time, instrument } = trade;
    if (this.reusesId(trade)) this.renumber(instrument);
    const ahead = isDatedAhead(trade) ? { relied: reliedTime(trade) } : {};
    const content = known.twins === undefined ? {} : { content: contentOf(trade) };
    known.trades.set(keyOf(trade), { id, time, ...ahead, ...content });
  }

  #of(instrument: string): Known {
    const known = this.#instruments.get(instrument);
    if (known !== undefined) return known;
    const unknown: Known = {
      trades: new Map(),
      ahead: new Map(),
      renumbered: false,
      completeFrom: this.#completeFrom[this.#partitionOf(instrument)] ?? 0,
      twins: this.#sameIds ? undefined : new TwinCounts(),
    };
    this.#instruments.set(instrument, unknown);
    return unknown;
  }
}

/** What is beyond the limit is forgotten, oldest first: if it is told of again, that can't be judged any more. */
function trim(known: Known, limit: number): void {
  for (const [key, kept] of known.trades) {
    if (known.trades.size <= limit) return;
    known.trades.delete(key);
    if (kept.relied !== undefined && known.ahead.size < LIMIT) {
      known.ahead.set(key, kept);
      continue;
    }
    if (kept.content !== undefined) known.twins?.forget(kept.content);
    known.completeFrom = Math.max(known.completeFrom, kept.time + 1);
  }
}

function isKnown(known: Known, trade: TradeEvent): boolean {
  const key = keyOf(trade);
  const kept = known.trades.get(key) ?? known.ahead.get(key);
  if (kept !== undefined && isSame(kept, trade)) return true;
  return known.renumbered && trade.id !== null && known.trades.has(formerKey(trade.id, trade.time));
}

function isSame(kept: Kept, { time }: TradeEvent): boolean {
  return Math.abs(kept.time - time) <= SAME_TIME;
}

function timeOf({ time, relied }: Kept): number {
  return relied ?? time;
}

/** How a trade is kept that had its id before ids began anew. */
function formerKey(id: string, time: number): string {
  return `${id}/${time}`;
}

/** Where an exchange sends no id, what it does send has to do. */
function keyOf(trade: TradeEvent): string {
  return trade.id ?? contentOf(trade);
}

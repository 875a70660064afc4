/** The trades of one instrument that are in the log, as far as they are remembered. */

import type { TradeEvent } from "../../protocol/events.ts";
import { isDatedAhead, reliedTime } from "../event-time.ts";
import { contentOf, TwinCounts } from "./twin-counts.ts";

/** Trades dated in the future that are remembered at most, see {@link InstrumentTrades.trim}. */
const MOST_AHEAD = 2000;
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

export class InstrumentTrades {
  /** By id, in the order of the log. */
  readonly #trades = new Map<string, Kept>();
  /** Those dated in the future are remembered beyond the limit: by their time they can't be told to be old. */
  readonly #ahead = new Map<string, Kept>();
  /** Whether ids have begun anew: what had the earlier ones is kept by id and time. */
  #renumbered = false;
  /** Trades executed before this (ms) may be in the log although they are not remembered. */
  completeFrom: number;
  /** Where the trade history has ids of its own. */
  readonly twins: TwinCounts | undefined;

  /** @param sameIds whether a trade has the same id on the socket and in the trade history */
  constructor(completeFrom: number, sameIds: boolean) {
    this.completeFrom = completeFrom;
    this.twins = sameIds ? undefined : new TwinCounts();
  }

  get size(): number {
    return this.#trades.size;
  }

  isKnown(trade: TradeEvent): boolean {
    const key = keyOf(trade);
    const kept = this.#trades.get(key) ?? this.#ahead.get(key);
    if (kept !== undefined && isSame(kept, trade)) return true;
    return this.#renumbered && trade.id !== null && this.#trades.has(formerKey(trade.id, trade.time));
  }

  /** Whether a trade has the id of another one: the exchange has begun its ids anew. */
  reusesId(trade: TradeEvent): boolean {
    const kept = this.#trades.get(keyOf(trade));
    return kept !== undefined && !isSame(kept, trade) && !this.isKnown(trade);
  }

  /** Ids mean other trades from now on: those so far are told by their time as well, and are no longer compared. */
  renumber(): void {
    const trades = [...this.#trades];
    this.#trades.clear();
    for (const [key, kept] of trades) {
      if (kept.id === null) this.#trades.set(key, kept);
      else this.#trades.set(formerKey(kept.id, kept.time), { ...kept, id: null });
    }
    this.#renumbered = true;
  }

  /** A trade that stands in the log. */
  recall(trade: TradeEvent): void {
    // A late trade that is no repeat of the socket's was fetched.
    this.twins?.add(trade, trade.late === true && !trade.snapshot ? "history" : "socket");
    this.remember(trade);
  }

  remember(trade: TradeEvent): void {
    const { id, time } = trade;
    if (this.reusesId(trade)) this.renumber();
    const ahead = isDatedAhead(trade) ? { relied: reliedTime(trade) } : {};
    const content = this.twins === undefined ? {} : { content: contentOf(trade) };
    this.#trades.set(keyOf(trade), { id, time, ...ahead, ...content });
  }

  /** Puts behind these the trades that stand after them in the log. */
  append(later: InstrumentTrades): void {
    if (later.#renumbered) this.renumber();
    for (const [key, kept] of later.#trades) {
      const earlier = this.#trades.get(key);
      if (earlier !== undefined && Math.abs(earlier.time - kept.time) > SAME_TIME) this.renumber();
      this.#trades.set(key, kept);
    }
    for (const [key, kept] of later.#ahead) this.#ahead.set(key, kept);
    if (later.twins !== undefined) this.twins?.addAll(later.twins);
  }

  /** What is beyond the limit is forgotten, oldest first: if it is told of again, that can't be judged any more. */
  trim(limit: number): void {
    for (const [key, kept] of this.#trades) {
      if (this.#trades.size <= limit) return;
      this.#trades.delete(key);
      if (kept.relied !== undefined && this.#ahead.size < MOST_AHEAD) {
        this.#ahead.set(key, kept);
        continue;
      }
      if (kept.content !== undefined) this.twins?.forget(kept.content);
      this.completeFrom = Math.max(this.completeFrom, kept.time + 1);
    }
  }

  /** Whether a trade executed between two times (ms, both included) is remembered. */
  someBetween(from: number, to: number): boolean {
    for (const kept of this.#trades.values()) {
      const time = timeOf(kept);
      if (time >= from && time <= to) return true;
    }
    return false;
  }

  /** When (ms) the last one was executed; null where none is remembered. */
  get lastTime(): number | null {
    let last: number | null = null;
    for (const kept of this.#trades.values()) last = Math.max(last ?? 0, timeOf(kept));
    return last;
  }

  /** Of those executed up to a time (ms) the one with the highest id; null where none is remembered. */
  newest(upTo: number): { readonly id: string; readonly time: number } | null {
    let newest: { id: string; time: number } | null = null;
    for (const kept of this.#trades.values()) {
      const { id } = kept;
      const time = timeOf(kept);
      if (id !== null && time <= upTo && (newest === null || Number(id) > Number(newest.id))) newest = { id, time };
    }
    return newest;
  }
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
export function keyOf(trade: TradeEvent): string {
  return trade.id ?? contentOf(trade);
}

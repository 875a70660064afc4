/** The trades of one instrument that are in the log, as far as they are remembered. */

import type { TradeEvent } from "../../../protocol/events.ts";
import { isDatedAhead, reliedTime } from "../../event-time.ts";
import { ContentCounts, contentOf } from "./content-counts.ts";

/** Trades dated in the future that are remembered at most, see {@link InstrumentTrades.trim}. */
const MAX_AHEAD = 2000;
/** Two trades of one id whose times (ms) are further apart are two trades: some exchanges' times are whole seconds. */
const SAME_TIME = 1000;

/** Of a trade no more than is needed to recognise it: there are a million of them. */
interface RememberedTrade {
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
  readonly #trades = new Map<string, RememberedTrade>();
  /** Those dated in the future are remembered beyond the limit: by their time they are never old. */
  readonly #ahead = new Map<string, RememberedTrade>();
  /** Whether ids have begun anew: what had the earlier ones is kept by id and time. */
  #renumbered = false;
  /** Trades executed before this (ms) may be in the log although they are not remembered. */
  completeFrom: number;
  /** Where the trade history has ids of its own. */
  readonly contents: ContentCounts | undefined;

  /** @param sameIds whether a trade has the same id on the socket and in the trade history */
  constructor(completeFrom: number, sameIds: boolean) {
    this.completeFrom = completeFrom;
    this.contents = sameIds ? undefined : new ContentCounts();
  }

  get size(): number {
    return this.#trades.size;
  }

  isKnown(trade: TradeEvent): boolean {
    const key = keyOf(trade);
    const remembered = this.#trades.get(key) ?? this.#ahead.get(key);
    if (remembered !== undefined && isSame(remembered, trade)) return true;
    return this.#renumbered && trade.id !== null && this.#trades.has(formerKey(trade.id, trade.time));
  }

  /** Whether a trade has the id of another one: the exchange has begun its ids anew. */
  reusesId(trade: TradeEvent): boolean {
    const remembered = this.#trades.get(keyOf(trade));
    return remembered !== undefined && !isSame(remembered, trade) && !this.isKnown(trade);
  }

  /** Ids mean other trades from now on: those so far are identified by id and time, and are no longer compared. */
  renumber(): void {
    const trades = [...this.#trades];
    this.#trades.clear();
    for (const [key, remembered] of trades) {
      if (remembered.id === null) this.#trades.set(key, remembered);
      else this.#trades.set(formerKey(remembered.id, remembered.time), { ...remembered, id: null });
    }
    this.#renumbered = true;
  }

  /** A trade that stands in the log. */
  recall(trade: TradeEvent): void {
    // A late trade that is no repeat of the socket's was fetched.
    this.contents?.add(trade, trade.late === true && !trade.snapshot ? "history" : "socket");
    this.remember(trade);
  }

  remember(trade: TradeEvent): void {
    const { id, time } = trade;
    if (this.reusesId(trade)) this.renumber();
    const ahead = isDatedAhead(trade) ? { relied: reliedTime(trade) } : {};
    const content = this.contents === undefined ? {} : { content: contentOf(trade) };
    this.#trades.set(keyOf(trade), { id, time, ...ahead, ...content });
  }

  /** Puts behind these the trades that stand after them in the log. */
  append(later: InstrumentTrades): void {
    if (later.#renumbered) this.renumber();
    for (const [key, remembered] of later.#trades) {
      const earlier = this.#trades.get(key);
      if (earlier !== undefined && Math.abs(earlier.time - remembered.time) > SAME_TIME) this.renumber();
      this.#trades.set(key, remembered);
    }
    for (const [key, remembered] of later.#ahead) this.#ahead.set(key, remembered);
    if (later.contents !== undefined) this.contents?.addAll(later.contents);
  }

  /** What is beyond the limit is forgotten, oldest first: a repeat of it can't be recognised any more. */
  trim(limit: number): void {
    for (const [key, remembered] of this.#trades) {
      if (this.#trades.size <= limit) return;
      this.#trades.delete(key);
      if (remembered.relied !== undefined && this.#ahead.size < MAX_AHEAD) {
        this.#ahead.set(key, remembered);
        continue;
      }
      if (remembered.content !== undefined) this.contents?.forget(remembered.content);
      this.completeFrom = Math.max(this.completeFrom, remembered.time + 1);
    }
  }

  /** Whether a trade executed between two times (ms, both included) is remembered. */
  someBetween(from: number, to: number): boolean {
    for (const remembered of this.#trades.values()) {
      const time = timeOf(remembered);
      if (time >= from && time <= to) return true;
    }
    return false;
  }

  /** When (ms) the last one was executed; null where none is remembered. */
  get lastTime(): number | null {
    let last: number | null = null;
    for (const remembered of this.#trades.values()) last = Math.max(last ?? 0, timeOf(remembered));
    return last;
  }

  /** Of those executed up to a time (ms) the one with the highest id; null where none is remembered. */
  newest(upTo: number): { readonly id: string; readonly time: number } | null {
    let newest: { id: string; time: number } | null = null;
    for (const remembered of this.#trades.values()) {
      const { id } = remembered;
      const time = timeOf(remembered);
      if (id !== null && time <= upTo && (newest === null || Number(id) > Number(newest.id))) newest = { id, time };
    }
    return newest;
  }
}

function isSame(remembered: RememberedTrade, { time }: TradeEvent): boolean {
  return Math.abs(remembered.time - time) <= SAME_TIME;
}

function timeOf({ time, relied }: RememberedTrade): number {
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

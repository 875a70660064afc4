/**
 * One instrument's trades on both sides: those that only one side has so far, and the newest of those that are settled, so
 * that a repeat of one is told from a trade that is new.
 */

import type { TradeEvent } from "../../../protocol/events.ts";
import { contentOf } from "../../collect/deduplication/content-counts.ts";
import { ContentTally, type Origin } from "./content-tally.ts";
import type { LogPosition } from "./differences.ts";

/** A trade that is not settled yet. */
export interface OpenTrade {
  readonly key: string;
  /** As the log would hold it: one for each way in which raw gives it. */
  readonly variants: TradeEvent[];
  logged: { readonly trade: TradeEvent; readonly place: LogPosition } | undefined;
  /** Log time (ms) of what came last. */
  at: number;
  counted: readonly (readonly [content: string, origin: Origin])[];
}

interface Settled {
  readonly time: number;
  logged: boolean;
  readonly counted: OpenTrade["counted"];
}

/** Settled trades that are remembered: more than the collector remembers. */
const LIMIT = 5000;
const NOT_COUNTED: OpenTrade["counted"] = [];

export class TradeLedger {
  readonly #open = new Map<string, OpenTrade>();
  readonly #settled = new Map<string, Settled>();
  readonly #limit: number;
  /** Where the trade history has ids of its own. */
  readonly tally: ContentTally | undefined;
  /** Trades executed before this (ms) may have been forgotten. */
  #completeFrom = 0;
  /** When (ms) the first event that the log has of the instrument was received. */
  begun = Number.POSITIVE_INFINITY;

  constructor(sameIds: boolean, limit = LIMIT) {
    this.tally = sameIds ? undefined : new ContentTally();
    this.#limit = limit;
  }

  /**
   * @param at log time, ms
   * @returns what is open of a trade; or why nothing is: it has been settled, with the log or without, or may have been
   */
  find(trade: TradeEvent, at: number): OpenTrade | "settled" | "settled without the log" | "too old" {
    const key = trade.id ?? contentOf(trade);
    const settled = this.#settled.get(key);
    if (settled !== undefined) return settled.logged ? "settled" : "settled without the log";
    const known = this.#open.get(key);
    if (known === undefined && trade.time < this.#completeFrom) return "too old";
    const open = known ?? { key, variants: [], logged: undefined, at, counted: NOT_COUNTED };
    open.at = Math.max(open.at, at);
    this.#open.set(key, open);
    return open;
  }

  count(open: OpenTrade, trade: TradeEvent, origin: Origin): void {
    if (this.tally !== undefined) open.counted = [...open.counted, [this.tally.add(trade, origin), origin]];
  }

  settle({ key, variants, logged, counted }: OpenTrade): void {
    const time = (logged?.trade ?? variants[0])?.time ?? 0;
    this.#open.delete(key);
    this.#settled.set(key, { time, logged: logged !== undefined, counted });
    this.#trim();
  }

  /** The open trades of which nothing has come since a log time (ms). */
  *quietSince(before: number): Generator<OpenTrade> {
    for (const open of this.#open.values()) if (open.at < before) yield open;
  }

  #trim(): void {
    for (const [key, { time, counted }] of this.#settled) {
      if (this.#settled.size <= this.#limit) return;
      this.#settled.delete(key);
      for (const [content, origin] of counted) this.tally?.takeOff(content, origin);
      this.#completeFrom = Math.max(this.#completeFrom, time + 1);
    }
  }
}

/**
 * Which trades are in the log already, so that an exchange's repeats (every reconnect begins with the last trade again) and
 * our own restarts put nothing into it twice. Ids are compared as text and never by order: real frames swap some of them.
 */

import type { TradeEvent } from "../../protocol/events.ts";
import type { Tail } from "../log/log.ts";

/** Ids remembered per instrument. */
const LIMIT = 2000;

interface Known {
  /** Execution times (ms) by id, in the order they were added. */
  readonly ids: Map<string, number>;
  /** Trades executed before this (ms) may be in the log although their id is not remembered. */
  completeFrom: number;
}

export class KnownTrades {
  readonly #instruments = new Map<string, Known>();
  readonly #completeFrom: number[];
  readonly #partitionOf: (instrument: string) => number;

  constructor(tails: readonly Tail[], partitionOf: (instrument: string) => number) {
    this.#completeFrom = tails.map(({ completeFrom }) => completeFrom);
    this.#partitionOf = partitionOf;
    for (const event of tails.flatMap(({ events }) => events)) if (event.type === "trade") this.#remember(event);
  }

  /**
   * Whether the trade is new, and remembers it.
   *
   * A repeat that is older than what we remember can't be judged by its id. It was either logged while somebody collected,
   * or fell into a gap that has been announced: it stays out.
   */
  admit(trade: TradeEvent): boolean {
    const known = this.#instruments.get(trade.instrument);
    if (known?.ids.has(keyOf(trade))) return false;
    const completeFrom = known?.completeFrom ?? this.#startOf(trade.instrument);
    if (trade.snapshot && trade.time < completeFrom) return false;
    this.#remember(trade);
    return true;
  }

  #remember(trade: TradeEvent): void {
    const known = this.#instruments.get(trade.instrument) ?? {
      ids: new Map<string, number>(),
      completeFrom: this.#startOf(trade.instrument),
    };
    this.#instruments.set(trade.instrument, known);
    known.ids.set(keyOf(trade), trade.time);
    const [oldest] = known.ids;
    if (oldest === undefined || known.ids.size <= LIMIT) return;
    const [id, time] = oldest;
    known.ids.delete(id);
    known.completeFrom = Math.max(known.completeFrom, time + 1);
  }

  #startOf(instrument: string): number {
    return this.#completeFrom[this.#partitionOf(instrument)] ?? 0;
  }
}

/** Where an exchange sends no id, what it does send has to do. */
function keyOf({ id, time, price, size, side }: TradeEvent): string {
  return id ?? `${time}/${price}/${size}/${side}`;
}

/** How much of what was missed a trade history has told: what it has forgotten must not pass for what never was. */

import type { TradeEvent } from "../../protocol/events.ts";
import { OVERLAP } from "./doubts.ts";
import type { KnownTrades } from "./known-trades.ts";

export class Telling {
  readonly #known: KnownTrades;
  readonly #instrument: string;
  readonly #since: number;
  readonly #judgeableFrom: number;
  #oldest: number;
  /** Whether it has told of one of the last trades that we had before. */
  #metOurs = false;

  /** @param since, until the times (ms) between which trades may be missing */
  constructor(known: KnownTrades, instrument: string, since: number, until: number) {
    this.#known = known;
    this.#instrument = instrument;
    this.#since = since;
    this.#oldest = until;
    this.#judgeableFrom = Math.max(since, known.completeFrom(instrument));
  }

  /** The time of the last trade that we rely on; a gap begins a little before it. */
  get #relied(): number {
    return this.#since + OVERLAP;
  }

  /** Trades that it tells, before they are put into the log. */
  hear(trades: readonly TradeEvent[]): void {
    for (const trade of trades) {
      this.#oldest = Math.min(this.#oldest, trade.time);
      this.#metOurs ||= trade.time <= this.#relied && this.#known.has(trade);
    }
  }

  /**
   * From which time on (ms) nothing is missing any more.
   *
   * @param from since when (ms) it has told everything that it still tells
   */
  wholeFrom(from: number): number {
    if (this.#oldest < this.#since) return this.#judgeableFrom;
    // It should know the last trade that we know: a history that does not has forgotten more than that.
    const expected = this.#known.someBetween(this.#instrument, from, this.#relied);
    if (from <= this.#since && (this.#metOurs || !expected)) return this.#judgeableFrom;
    return Math.max(this.#judgeableFrom, this.#oldest);
  }
}

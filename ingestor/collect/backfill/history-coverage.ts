/** How far a trade history covers a gap: trades that it no longer keeps must not pass for trades that never were. */

import type { TradeEvent } from "../../../protocol/events.ts";
import { REORDER_WINDOW } from "../../event-time.ts";
import type { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";

export class HistoryCoverage {
  readonly #deduplicator: TradeDeduplicator;
  readonly #instrument: string;
  readonly #since: number;
  readonly #judgeableFrom: number;
  #oldest: number;
  /** Whether its trades overlap with ours: one of the last that we had before the gap is among them. */
  #overlaps = false;

  /** @param since, until the times (ms) between which trades may be missing */
  constructor(deduplicator: TradeDeduplicator, instrument: string, since: number, until: number) {
    this.#deduplicator = deduplicator;
    this.#instrument = instrument;
    this.#since = since;
    this.#oldest = until;
    this.#judgeableFrom = Math.max(since, deduplicator.completeFrom(instrument));
  }

  /** The time of the last trade that we rely on; a gap begins a little before it. */
  get #relied(): number {
    return this.#since + REORDER_WINDOW;
  }

  /** Adds trades of the history, before they are put into the log. */
  add(trades: readonly TradeEvent[]): void {
    for (const trade of trades) {
      this.#oldest = Math.min(this.#oldest, trade.time);
      this.#overlaps ||= trade.time <= this.#relied && this.#deduplicator.has(trade);
    }
  }

  /**
   * From which time on (ms) nothing is missing any more.
   *
   * @param from the time (ms) from which the history is complete
   */
  completeFrom(from: number): number {
    if (this.#oldest < this.#since) return this.#judgeableFrom;
    // A history without our last trade has lost what follows it, too.
    const expected = this.#deduplicator.someBetween(this.#instrument, from, this.#relied);
    if (from <= this.#since && (this.#overlaps || !expected)) return this.#judgeableFrom;
    return Math.max(this.#judgeableFrom, this.#oldest);
  }
}

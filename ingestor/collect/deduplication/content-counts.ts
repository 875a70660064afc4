/**
 * Matches fetched trades with those of the socket where the two have different ids: by time, price, size and side,
 * and by how many are alike, for two trades can be equal in all of these.
 */

import type { TradeEvent } from "../../../protocol/events.ts";

interface Count {
  /** Trades of this content in the log. */
  logged: number;
  /** ... of which so many were fetched, and have not been seen on the socket. */
  unclaimed: number;
}

export class ContentCounts {
  readonly #counts = new Map<string, Count>();

  /** Counts a trade that enters the log. */
  add(trade: TradeEvent, from: "socket" | "history"): void {
    const content = contentOf(trade);
    const count = this.#counts.get(content) ?? { logged: 0, unclaimed: 0 };
    this.#counts.set(content, count);
    count.logged += 1;
    if (from === "history") count.unclaimed += 1;
  }

  /** ... and those that were counted elsewhere, of an earlier tail. */
  addAll(other: ContentCounts): void {
    for (const [content, { logged, unclaimed }] of other.#counts) {
      const count = this.#counts.get(content) ?? { logged: 0, unclaimed: 0 };
      this.#counts.set(content, { logged: count.logged + logged, unclaimed: count.unclaimed + unclaimed });
    }
  }

  /** Whether a trade of the socket is one that was fetched before, which is then claimed by it. */
  claim(trade: TradeEvent): boolean {
    const count = this.#counts.get(contentOf(trade));
    if (count === undefined || count.unclaimed === 0) return false;
    count.unclaimed -= 1;
    return true;
  }

  has(trade: TradeEvent): boolean {
    return this.#counts.has(contentOf(trade));
  }

  /** Of all trades of a history's range, those beyond the number that is logged. */
  missing(trades: readonly TradeEvent[]): TradeEvent[] {
    const met = new Map<string, number>();
    return trades.filter((trade) => {
      const content = contentOf(trade);
      const nth = (met.get(content) ?? 0) + 1;
      met.set(content, nth);
      return nth > (this.#counts.get(content)?.logged ?? 0);
    });
  }

  /** One of this content, see {@link contentOf}, is remembered no longer. */
  forget(content: string): void {
    const count = this.#counts.get(content);
    if (count === undefined) return;
    count.logged -= 1;
    if (count.logged <= 0) this.#counts.delete(content);
  }
}

/** What makes a trade that trade where no id does. */
export function contentOf({ time, price, size, side }: TradeEvent): string {
  return `${time}/${price}/${size}/${side}`;
}

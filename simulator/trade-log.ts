import type { Trade } from "./trade.ts";

/** What was executed, oldest first, the last `keep` trades of it; each market's last trade is kept whatever its age. */
export class TradeLog {
  readonly #keep: number;
  readonly #last = new Map<string, Trade>();
  #trades: Trade[] = [];
  #head = 0;
  #forgotten = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The `seq` of the newest trade, 0 before the first. */
  get head(): number {
    return this.#head;
  }

  /** The `seq` of the oldest trade still kept; one past the head when there is none. */
  get oldest(): number {
    return this.#trades[0]?.seq ?? this.#head + 1;
  }

  add(trade: Trade): void {
    this.#trades.push(trade);
    this.#last.set(trade.market, trade);
    this.#head = trade.seq;
    // Dropping a tenth at a time: shifting the whole array for each trade would cost more than the trade.
    if (this.#trades.length > this.#keep * 1.1) this.#trades = this.#trades.slice(-this.#keep);
  }

  /** The last trade of a market. */
  last(market: string): Trade | undefined {
    return this.#last.get(market);
  }

  /** Up to `limit` trades after `seq`, oldest first. */
  after(seq: number, limit: number): Trade[] {
    const from = Math.max(0, seq + 1 - this.oldest);
    return this.#trades.slice(from, from + limit);
  }

  /** Hides every trade up to now from {@link history}, as an exchange with a bounded history does; answers how many. */
  forget(): number {
    const hidden = this.#head - Math.max(this.#forgotten, this.oldest - 1);
    this.#forgotten = this.#head;
    return hidden;
  }

  /** A market's history as REST serves it: its trades that pass `test`, newest first, up to `limit`. */
  history(market: string, limit: number, test: (trade: Trade) => boolean = () => true): Trade[] {
    return this.newest(limit, (trade) => trade.market === market && test(trade), this.#forgotten);
  }

  /** Trades after `seq` that pass `test`, newest first, up to `limit`. */
  newest(limit: number, test: (trade: Trade) => boolean, seq = 0): Trade[] {
    const found: Trade[] = [];
    for (let at = this.#trades.length - 1; at >= 0 && found.length < limit; at -= 1) {
      const trade = this.#trades[at];
      if (!trade || trade.seq <= seq) break;
      if (test(trade)) found.push(trade);
    }
    return found;
  }
}

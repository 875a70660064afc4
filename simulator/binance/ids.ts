/** Ids that a run may use up for each ms it lasts; with these they stay below 2^53 for a century. */
const TRADES_PER_MS = 2_000;
const AGGREGATES_PER_MS = 1_000;

/**
 * The ids of one run. They are consecutive within a market, as Binance's are; where they begin comes from when the run
 * began, so that a later run repeats none. Aggregates count in a space of their own, one for each trade.
 */
export class TradeIds {
  readonly #firstTrade: number;
  readonly #firstAggregate: number;

  /** `opened` is when the run began, epoch ms. */
  constructor(opened: number) {
    this.#firstTrade = opened * TRADES_PER_MS;
    this.#firstAggregate = opened * AGGREGATES_PER_MS;
  }

  /** The id of a market's n-th trade. */
  trade(ordinal: number): number {
    return this.#firstTrade + ordinal;
  }

  /** The id of the aggregate that holds a market's n-th trade, and only that. */
  aggregate(ordinal: number): number {
    return this.#firstAggregate + ordinal;
  }

  /** Which trade of its market has this id; 0 or less for one from before the run. */
  ordinalOfTrade(id: number): number {
    return id - this.#firstTrade;
  }

  /** Which trade of its market is in this aggregate; 0 or less for one from before the run. */
  ordinalOfAggregate(id: number): number {
    return id - this.#firstAggregate;
  }
}

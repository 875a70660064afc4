import type { Listing } from "./catalogue.ts";
import type { Fill } from "./fill.ts";
import { between, type Random } from "./random.ts";
import { fromFloat, larger, ONE } from "./scaled.ts";
import { Statistics, type Window } from "./statistics.ts";
import { type Quote, tickSize } from "./ticks.ts";

/** A typical trade in each quote currency, about ₩300,000; sizes spread over two and a half decades around it. */
const TYPICAL_TRADE: Record<Quote, number> = {
  KRW: 300_000,
  USDT: 200,
  USDC: 200,
  FDUSD: 200,
  BTC: 0.0025,
  ETH: 0.07,
  BNB: 0.25,
};
/** A day of the busiest market. */
const TRADES_A_DAY = 1_000_000;

/** How often the price moves by a tick or more from one trade to the next. */
const MOVES = 0.4;

/** Where and how big a market begins. */
interface MarketSeed {
  readonly random: Random;
  /** Places the statistics, ms. */
  readonly now: number;
  /** Of the busiest market's turnover: what a day of this one trades. */
  readonly share: number;
  readonly window: Window;
}

/** One market: a price that walks in ticks around where it started, and its day's statistics. */
export class Market {
  readonly code: string;
  readonly koreanName: string;
  readonly englishName: string;
  readonly statistics: Statistics;
  /** false: still listed, but trading is closed. */
  open = true;
  readonly #typicalTrade: number;
  readonly #anchor: bigint;
  readonly #tick: bigint;
  #bid: bigint;
  #lastMs = 0;
  #counter = 0;

  constructor(listing: Listing, { random, now, share, window }: MarketSeed) {
    const quote = listing.code.slice(0, listing.code.indexOf("-"));
    this.code = listing.code;
    this.koreanName = listing.koreanName;
    this.englishName = listing.englishName;
    this.#typicalTrade = isQuote(quote) ? TYPICAL_TRADE[quote] : 100;
    this.#anchor = listing.price;
    this.#tick = tickSize(quote, listing.price);
    this.#bid = listing.price;
    this.statistics = new Statistics({
      market: listing.code,
      random,
      now,
      window,
      price: listing.price,
      tick: this.#tick,
      tradesADay: TRADES_A_DAY * share,
      typicalTrade: this.#typicalTrade,
    });
  }

  /** Moves the price and draws the next fill; nothing is recorded. */
  draw(random: Random): Fill {
    this.#walk(random);
    const side = random() < 0.5 ? "ASK" : "BID";
    const ask = this.#bid + this.#tick;
    return {
      price: side === "BID" ? ask : this.#bid,
      volume: this.#size(random),
      side,
      bestAskPrice: ask,
      bestAskSize: this.#size(random),
      bestBidPrice: this.#bid,
      bestBidSize: this.#size(random),
    };
  }

  /**
   * A trade id: 17 digits, ms × 10^4 + a counter within the ms. It rises with every call: when the clock stands still
   * or goes back, or a ms is used up, the ids go on from the last one.
   */
  nextId(ms: number): { id: bigint; timestamp: number } {
    if (ms > this.#lastMs) {
      this.#lastMs = ms;
      this.#counter = 0;
    } else if (++this.#counter > 9999) {
      this.#lastMs += 1;
      this.#counter = 0;
    }
    return { id: BigInt(this.#lastMs) * 10_000n + BigInt(this.#counter), timestamp: this.#lastMs };
  }

  #walk(random: Random): void {
    if (random() >= MOVES) return;
    // Pulled back towards where it started, so that a long run never drifts to zero or off its tick table.
    const away = Number(this.#bid - this.#anchor) / Number(this.#anchor);
    const up = random() < 0.5 - away * 5;
    const steps = BigInt(up ? between(random, 1, 2) : -between(random, 1, 2));
    this.#bid = larger(this.#bid + this.#tick * steps, this.#tick);
  }

  #size(random: Random): bigint {
    const notional = this.#typicalTrade * 10 ** (random() * 2.5 - 1.5);
    return fromFloat((notional * Number(ONE)) / Number(this.#bid));
  }
}

function isQuote(code: string): code is Quote {
  return code in TYPICAL_TRADE;
}

import type { MarketEngine } from "../engine.ts";
import { figures } from "./frames.ts";
import { decimal } from "./numbers.ts";
import { symbolOf } from "./symbols.ts";

/** Pairs that Korbit still lists although trading stopped long ago, with the price of their last trade. */
const LONG_STOPPED: ReadonlyMap<string, string> = new Map([
  ["KRW-KLAY", "176"],
  ["KRW-WEMIX", "1020"],
]);
const LONG_AGO = Date.UTC(2025, 5, 2);

/** All pairs that Korbit shows over REST: those that are traded, and those that no longer are. */
export class Pairs {
  readonly #engine: MarketEngine;
  readonly #stopped = new Set(LONG_STOPPED.keys());

  constructor(engine: MarketEngine) {
    this.#engine = engine;
  }

  /** Shows a market as stopped from now on, until it is listed again. */
  stop(code: string): void {
    this.#stopped.add(code);
  }

  /** The code of a shown pair, traded or not. */
  code(symbol: string): string | undefined {
    return this.#codes().find((code) => symbolOf(code) === symbol);
  }

  /** The rows of `/v2/currencyPairs`. */
  rows() {
    return this.#codes().map((code) => {
      const [quoteCurrency, baseCurrency] = code.toLowerCase().split("-");
      const status = this.#engine.market(code) ? "launched" : "stopped";
      const limits = { minOrderValue: "5000", maxOrderValue: "1000000000" };
      return { symbol: symbolOf(code), status, baseCurrency, quoteCurrency, ...limits };
    });
  }

  /** The rows of `/v2/tickers`. */
  tickers() {
    return this.#codes().map((code) => {
      const market = this.#engine.market(code);
      return { symbol: symbolOf(code), ...(market ? figures(market.statistics.ticker) : this.#stillFigures(code)) };
    });
  }

  #codes(): string[] {
    const launched = this.#engine.markets.map(({ code }) => code);
    return [...new Set([...launched, ...this.#stopped])];
  }

  /** Of a stopped pair: its last price everywhere, no volume, and `0` for want of a best price. */
  #stillFigures(code: string): ReturnType<typeof figures> {
    const trade = this.#engine.log.last(code);
    const price = trade ? decimal(trade.price) : (LONG_STOPPED.get(code) ?? "0");
    return {
      ...{ open: price, high: price, low: price, close: price, prevClose: price },
      ...{ priceChange: "0", priceChangePercent: "0", volume: "0", quoteVolume: "0" },
      ...{ bestAskPrice: "0", bestBidPrice: "0", lastTradedAt: trade?.timestamp ?? LONG_AGO },
    };
  }
}

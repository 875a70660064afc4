/** Binance writes `BTCUSDT`: where the quote begins stands in its market list, and in no symbol. */

import type { Market } from "../../../protocol/ingest.ts";
import { type InstrumentName, instrument, isCode } from "../../../protocol/instrument.ts";

/**
 * The quotes known without a list: all 28 of 2021, which split each of that year's 1695 symbols rightly, then those
 * added since. AEUR, which is no quote, must stay out: with it, ADAEUR would be AD in AEUR.
 */
const QUOTES = (
  "BTC USDT BUSD BNB ETH USDC PAX EUR TUSD TRY BRL BIDR AUD GBP RUB BKRW NGN UAH ZAR DAI IDRT USDS USDP XRP TRX BVND VAI GYEN " +
  "FDUSD DOGE USD1 EURI JPY MXN ARS COP PLN RON CZK"
).split(" ");

/** What a symbol is called here, or undefined when it can't be told. */
export type SymbolReader = (symbol: string) => InstrumentName | undefined;

/**
 * Reads the symbols of `markets` as the list has them. Any other (a recording without its list, a market listed since)
 * is split before the longest quote that it ends with: BTCFDUSD is not BTCFD in USD.
 */
export function symbolReader(markets: readonly Market[]): SymbolReader {
  const listed = new Map(markets.map(({ nativeSymbol, base, quote }) => [nativeSymbol, nameOf(base, quote)]));
  const quotes = [...new Set([...QUOTES, ...markets.map(({ quote }) => quote)])].sort((a, b) => b.length - a.length);
  return (symbol) => listed.get(symbol) ?? split(symbol, quotes);
}

function split(symbol: string, longestFirst: readonly string[]): InstrumentName | undefined {
  const quote = longestFirst.find((code) => symbol.endsWith(code) && symbol.length > code.length);
  if (quote === undefined) return undefined;
  const base = symbol.slice(0, -quote.length);
  return isCode(base) ? nameOf(base, quote) : undefined;
}

function nameOf(base: string, quote: string): InstrumentName {
  return instrument("binance", base, quote).name;
}

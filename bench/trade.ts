import type { TradeEvent } from "../protocol/events.ts";
import type { Market } from "../protocol/ingest.ts";
import { instrument } from "../protocol/instrument.ts";

/** The `n`-th of some trades, as large as real ones are. @param time ms */
export function benchTrade(name: string, n: number, time: number): TradeEvent {
  return {
    type: "trade",
    instrument: name,
    id: `${time}${String(n % 10_000).padStart(4, "0")}`,
    price: "95299000",
    size: "0.00022664",
    side: n % 2 === 0 ? "buy" : "sell",
    time,
    received: time + 40,
    snapshot: false,
  };
}

/** Upbit's list, were it to have so many markets: `upbit:B0-KRW` and on. */
export function benchMarkets(count: number): Market[] {
  return Array.from({ length: count }, (_, i) => benchMarket(`B${i}`));
}

/** A market of Upbit's in KRW. */
export function benchMarket(symbol: string): Market {
  const { name, exchange, base, quote } = instrument("upbit", symbol, "KRW");
  const names = { ko: null, en: null };
  return {
    instrument: name,
    exchange,
    base,
    quote,
    nativeSymbol: `${quote}-${base}`,
    names,
    status: null,
    warning: null,
  };
}

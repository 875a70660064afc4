/** How to be sent what Binance trades: https://github.com/binance/binance-spot-api-docs, "WebSocket Streams" and "Exchange information". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import { instrument, isCode } from "../../../protocol/instrument.ts";
import type { Feed } from "../exchange.ts";

/** Streams that one request names. */
const CHUNK = 200;

/**
 * As many as one connection can take. Binance allows 1024 streams, 512 markets with two each; but it cuts off who sends
 * more than 5 messages in a second (pings count too), and 400 markets are the 4 requests that may be sent at once.
 */
export const MARKETS_PER_CONNECTION = 400;

export const feed: Feed = {
  /**
   * Trades and the full ticker of each market. With `!miniTicker@arr`, one stream for all tickers, some 1500 markets would
   * fit 2 connections instead of 4; but it lacks best prices, last size and percent, and all tickers would hang on one.
   *
   * A request adds to those before it; to repeat one changes nothing.
   *
   * @param markets at most {@link MARKETS_PER_CONNECTION}
   */
  subscribe(markets) {
    const symbols = markets.map(({ nativeSymbol }) => nativeSymbol.toLowerCase());
    const streams = symbols.flatMap((symbol) => [`${symbol}@trade`, `${symbol}@ticker`]);
    return chunksOf(streams, CHUNK).map((params, index) =>
      JSON.stringify({ method: "SUBSCRIBE", params, id: index + 1 }),
    );
  },
  // Binance pings every 20 s by itself, and ours count as messages: this is only for what lies between.
  pingEvery: 180_000,
  silence: 30_000,
  // 300 in 5 minutes are allowed: at this rate a bad hour can't use them up.
  connects: { count: 4, per: 5000 },
};

const code = z.string().refine(isCode, { error: "not letters and digits in upper case" });
const marketList = z.object({
  symbols: z.array(z.object({ symbol: z.string(), status: z.string(), baseAsset: code, quoteAsset: code })),
});

/**
 * Reads the body of `exchangeInfo`, with what is not traded (status HALT, BREAK, …): recordings may hold it.
 *
 * @throws {Error} naming the row and the field that are wrong
 */
export function readMarkets(body: string): Market[] {
  const { success, data, error } = marketList.safeParse(JSON.parse(body));
  if (success) return data.symbols.map(marketOf);
  const wrong = error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`not a market list of Binance: ${wrong.join("; ")}`);
}

/**
 * The markets that are traded.
 *
 * @throws {Error} when Binance does not answer with a market list
 */
export async function fetchMarkets(restUrl: string, signal: AbortSignal): Promise<Market[]> {
  const url = `${restUrl}/api/v3/exchangeInfo?permissions=SPOT&showPermissionSets=false&symbolStatus=TRADING`;
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return readMarkets(await response.text()).filter(({ status }) => status === "TRADING");
}

function marketOf({ symbol, status, baseAsset, quoteAsset }: z.infer<typeof marketList>["symbols"][number]): Market {
  const { name, exchange, base, quote } = instrument("binance", baseAsset, quoteAsset);
  return {
    instrument: name,
    exchange,
    base,
    quote,
    nativeSymbol: symbol,
    names: { ko: null, en: null },
    status,
    warning: null,
  };
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

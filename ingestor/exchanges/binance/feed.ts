/** How to be sent what Binance trades: https://github.com/binance/binance-spot-api-docs, "WebSocket Streams" and "Exchange information". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import { instrument, isCode } from "../../../protocol/instrument.ts";
import type { Feed, FeedRequest, OnOddRow } from "../exchange.ts";
import { changesOf, checkList, fetchBody, marketOf, readRows } from "../markets.ts";

/** Streams that one request names. */
const CHUNK = 200;
const HOUR = 3_600_000;

export const feed: Feed = {
  /**
   * Trades and the full ticker of each market. With `!miniTicker@arr`, one stream for all tickers, some 1500 markets would
   * fit 2 connections instead of 4; but it lacks best prices, last size, percent and the last trade's id, and all tickers
   * would hang on one.
   *
   * Requests add up. Those that take away come first, so that there are never more streams than allowed.
   */
  subscribe(wanted, before) {
    const { added, removed } = changesOf(wanted, before);
    return [...requests("UNSUBSCRIBE", removed), ...requests("SUBSCRIBE", added)];
  },
  /** Binance allows 1024 streams, 512 markets with two each; but 400 are the 4 requests that may be sent at once. */
  marketsPerConnection: 400,
  // Who sends more than 5 in a second is cut off, and the pongs that answer its pings count.
  sends: { count: 4, per: 1000 },
  // Binance pings every 20 s by itself.
  pingEvery: null,
  silence: 30_000,
  // 300 in 5 minutes are allowed: at this rate a bad hour can't use them up.
  connects: { count: 4, per: 5000 },
  // It ends every connection after 24 hours.
  lifetime: 23 * HOUR,
};

function requests(method: "SUBSCRIBE" | "UNSUBSCRIBE", markets: readonly Market[]): FeedRequest[] {
  const symbols = markets.map(({ nativeSymbol }) => nativeSymbol.toLowerCase());
  const streams = symbols.flatMap((symbol) => [`${symbol}@trade`, `${symbol}@ticker`]);
  return chunksOf(streams, CHUNK).map((params) => {
    // An id may be text of up to 36 letters and digits.
    const id = crypto.randomUUID().replaceAll("-", "");
    return { frame: JSON.stringify({ method, params, id }), id };
  });
}

const code = z.string().refine(isCode, { error: "not letters and digits in upper case" });
const marketList = z.object({ symbols: z.array(z.unknown()) });
const row = z.object({ symbol: z.string().min(1), status: z.string(), baseAsset: code, quoteAsset: code });
const reader = { exchange: "Binance", where: "symbols.", schema: row, toMarket };

/**
 * Reads the body of `exchangeInfo`, with what is not traded (status HALT, BREAK, …): recordings may hold it.
 *
 * @throws {Error} when it is no list, or one of which no row can be read, naming the fields that are wrong
 */
export function readMarkets(body: string, onOdd?: OnOddRow): Market[] {
  return readRows(reader, checkList(reader.exchange, marketList, JSON.parse(body)).symbols, onOdd);
}

/**
 * The markets that are traded.
 *
 * @throws {Error} when Binance does not answer with a market list
 */
export async function fetchMarkets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]> {
  const query = "permissions=SPOT&showPermissionSets=false&symbolStatus=TRADING";
  const body = await fetchBody(`${restUrl}/api/v3/exchangeInfo?${query}`, signal);
  return readMarkets(body, onOdd).filter(({ status }) => status === "TRADING");
}

function toMarket({ symbol, status, baseAsset, quoteAsset }: z.infer<typeof row>): Market {
  return marketOf(instrument("binance", baseAsset, quoteAsset), symbol, { status });
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

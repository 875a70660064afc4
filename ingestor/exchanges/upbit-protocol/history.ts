/** The trade history as Upbit serves it (`/v1/trades/ticks`), and Bithumb too: a day at a time, in pages, newest first. */

import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { type Get, HistoryError } from "../exchange.ts";
import { readRows } from "./fields.ts";

const PAGE = 500;
const DAY = 86_400_000;
/** Days before today that are kept. */
const DAYS_BACK = 7;
/** By so much, ms, the exchange's clock may be ahead of ours: it may have begun a day that we have not. */
const CLOCK_LEAD = 60_000;

/** A trade of the history has an id: trades of overlapping pages are matched by it. */
export type HistoryTrade = TradeEvent & { readonly id: string };

/** What differs from exchange to exchange. */
export interface HistoryDialect {
  /** The query parameters of a day so many days ago; 0 is today. */
  readonly dayQuery: (daysAgo: number) => Readonly<Record<string, string>>;
  /** By how much its days begin before those of UTC, ms. */
  readonly dayOffset: number;
  /** The trades of a page. Throws what {@link Get} and a parser do. */
  readonly read: (body: string, instrument: string) => HistoryTrade[];
}

/** Everything since a time (ms), see `History.trades`. */
export async function* tradesByDay(
  market: Market,
  since: number,
  get: Get,
  dialect: HistoryDialect,
): AsyncGenerator<readonly TradeEvent[], number, void> {
  const seen = new Set<string>();
  for (let daysAgo = 0; ; daysAgo += 1) {
    let began = Number.POSITIVE_INFINITY;
    for await (const page of pagesOfDay(market, daysAgo, get, dialect)) {
      // A day comes twice when midnight passes meanwhile, a pair without trades may answer with an old day, and it is not
      // documented everywhere whether pages end with their day.
      yield page.filter(({ id }) => !seen.has(id));
      for (const { id } of page) seen.add(id);
      const oldest = Math.min(...page.map(({ time }) => time));
      if (oldest < since) return oldest;
      // Days are counted from the exchange's today: only rows say for certain which day that is.
      const time = page.at(-1)?.time ?? Date.now() + CLOCK_LEAD - daysAgo * DAY;
      began = time - ((time + dialect.dayOffset) % DAY);
    }
    if (began <= since || daysAgo === DAYS_BACK) return began;
  }
}

async function* pagesOfDay(market: Market, daysAgo: number, get: Get, { dayQuery, read }: HistoryDialect) {
  let cursor: string | undefined;
  for (;;) {
    const query = new URLSearchParams({ market: market.nativeSymbol, count: String(PAGE), ...dayQuery(daysAgo) });
    if (cursor !== undefined) query.set("cursor", cursor);
    const page = read(await get(`/v1/trades/ticks?${query}`), market.instrument);
    yield page;
    const oldest = page.at(-1)?.id;
    if (page.length < PAGE || oldest === undefined) return;
    if (oldest === cursor) throw new HistoryError(`the cursor ${cursor} gives the same trades again`);
    cursor = oldest;
  }
}

/** The trades of an answer. @throws {FrameError} naming the row and the field that are wrong */
export function tradesOf(answer: unknown, instrument: string): HistoryTrade[] {
  return readRows(answer).map((row) => ({
    type: "trade",
    instrument,
    id: row.sequential_id,
    price: row.trade_price,
    size: row.trade_volume,
    side: row.ask_bid,
    // When it was executed, in true UTC, as `trade_timestamp` in a frame of the same trade.
    time: row.timestamp,
    received: null,
    snapshot: false,
  }));
}

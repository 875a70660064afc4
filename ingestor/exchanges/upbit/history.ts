/** The trades that Upbit tells of by REST: https://docs.upbit.com, "Recent trades". One UTC day at a time, newest first. */

import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { type Get, type History, HistoryError } from "../exchange.ts";
import { readJson } from "../frames.ts";
import { readRows } from "./fields.ts";

const PAGE = 500;
const DAY = 86_400_000;
/** Days before today that are told. */
const DAYS_BACK = 7;
/** By so much, ms, Upbit's clock may be ahead of ours: it may have begun a day that we have not. */
const CLOCK_LEAD = 60_000;

type Trade = TradeEvent & { readonly id: string };

export const history: History = {
  // 10 a second are allowed, for trades alone.
  requests: { count: 8, per: 1000 },
  order: "newest-first",
  sameIds: true,
  async *trades(market, { since }, get) {
    const told = new Set<string>();
    for (let daysAgo = 0; ; daysAgo += 1) {
      let began = Number.POSITIVE_INFINITY;
      for await (const page of pagesOfDay(market, daysAgo, get)) {
        // A day comes twice when midnight passes meanwhile, and a pair without trades may answer with an old day.
        yield page.filter(({ id }) => !told.has(id));
        for (const { id } of page) told.add(id);
        const oldest = Math.min(...page.map(({ time }) => time));
        if (oldest < since) return oldest;
        // `days_ago` counts from Upbit's today: only rows say for certain which day that is.
        began = startOfDay(page.at(-1)?.time ?? Date.now() + CLOCK_LEAD - daysAgo * DAY);
      }
      if (began <= since || daysAgo === DAYS_BACK) return began;
    }
  },
  read,
};

async function* pagesOfDay({ nativeSymbol, instrument }: Market, daysAgo: number, get: Get) {
  let cursor: string | undefined;
  for (;;) {
    const page = read(await get(pathOf(nativeSymbol, daysAgo, cursor)), instrument);
    yield page;
    const oldest = page.at(-1)?.id;
    if (page.length < PAGE || oldest === undefined) return;
    if (oldest === cursor) throw new HistoryError(`the cursor ${cursor} gives the same trades again`);
    cursor = oldest;
  }
}

function pathOf(market: string, daysAgo: number, cursor: string | undefined): string {
  const query = new URLSearchParams({ market, count: String(PAGE) });
  // Documented for 1 to 7; without it comes today.
  if (daysAgo > 0) query.set("days_ago", String(daysAgo));
  if (cursor !== undefined) query.set("cursor", cursor);
  return `/v1/trades/ticks?${query}`;
}

function read(body: string, instrument: string): Trade[] {
  return readRows(readJson(body)).map((row) => ({
    type: "trade",
    instrument,
    id: row.sequential_id,
    price: row.trade_price,
    size: row.trade_volume,
    side: row.ask_bid,
    // When it was executed, as `trade_timestamp` in a frame of the same trade.
    time: row.timestamp,
    received: null,
    snapshot: false,
  }));
}

function startOfDay(time: number): number {
  return time - (time % DAY);
}

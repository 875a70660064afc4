/** The trades that Bithumb tells of by REST: https://apidocs.bithumb.com, "Recent trades". Newest first, from a time of day in Korea on. */

import { z } from "zod";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { FrameError, type Get, type History, HistoryError, UnavailableError } from "../exchange.ts";
import { milliseconds, readFields, readJson } from "../frames.ts";
import { execution } from "./current.ts";
import { errorIn } from "./refusal.ts";

const PAGE = 500;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Korea is ahead of UTC by this, ms, all year round. */
const KOREA = 9 * HOUR;
/** Days before today that are told. */
const DAYS_BACK = 7;
/** By so much, ms, Bithumb's clock may be ahead of ours: it may have begun a day that we have not. */
const CLOCK_LEAD = 60_000;

type Trade = TradeEvent & { readonly id: string };
const rows = z.array(execution.extend({ timestamp: milliseconds }));

export const history: History = {
  // 150 a second are allowed for trades; over it the address is locked out for minutes.
  requests: { count: 50, per: 1000 },
  order: "newest-first",
  sameIds: false,
  async *trades(market, { since }, get) {
    const told = new Set<string>();
    for (let daysAgo = 0; ; daysAgo += 1) {
      let began = Number.POSITIVE_INFINITY;
      for await (const page of pagesFrom(market, daysAgo, get)) {
        // Pages overlap, and it is not documented whether they end with their day.
        yield page.filter(({ id }) => !told.has(id));
        for (const { id } of page) told.add(id);
        const oldest = Math.min(...page.map(({ time }) => time));
        if (oldest < since) return oldest;
        // `daysAgo` counts from Bithumb's today: only rows say for certain which day that is.
        began = startOfDay(page.at(-1)?.time ?? Date.now() + CLOCK_LEAD - daysAgo * DAY);
      }
      if (began <= since || daysAgo === DAYS_BACK) return began;
    }
  },
  read(body, instrument) {
    const answer = readJson(body);
    return errorIn(answer) === null ? tradesOf(answer, instrument) : [];
  },
};

async function* pagesFrom({ nativeSymbol, instrument }: Market, daysAgo: number, get: Get) {
  let cursor: string | undefined;
  for (;;) {
    const answer = readJson(await get(pathOf(nativeSymbol, daysAgo, cursor)));
    const refusal = errorIn(answer);
    if (refusal !== null) throw failureOf(refusal);
    const page = tradesOf(answer, instrument);
    yield page;
    const oldest = page.at(-1)?.id;
    if (page.length < PAGE || oldest === undefined) return;
    if (oldest === cursor) throw new HistoryError(`the cursor ${cursor} gives the same trades again`);
    cursor = oldest;
  }
}

function pathOf(market: string, daysAgo: number, cursor: string | undefined): string {
  const query = new URLSearchParams({ market, count: String(PAGE) });
  if (daysAgo > 0) {
    query.set("daysAgo", String(daysAgo));
    // Without it the day's midnight is meant, and what comes is the day before.
    query.set("to", "235959");
  }
  if (cursor !== undefined) query.set("cursor", cursor);
  return `/v1/trades/ticks?${query}`;
}

/** An error may come with HTTP 200: then its name says what the status does not. */
function failureOf(refusal: string): Error {
  const message = `Bithumb answered with an error: ${refusal}`;
  if (/^(400|404|410):/.test(refusal)) return new HistoryError(message);
  return /^(418|429|5\d\d):/.test(refusal) ? new UnavailableError(message) : new FrameError(message);
}

/** Its ids are not those of the socket. */
function tradesOf(answer: unknown, instrument: string): Trade[] {
  return readFields(rows, answer).map((row) => ({
    type: "trade",
    instrument,
    id: row.sequential_id,
    price: row.trade_price,
    size: row.trade_volume,
    side: row.ask_bid,
    // True UTC, unlike the times in the REST ticker.
    time: row.timestamp,
    received: null,
    snapshot: false,
  }));
}

/** The start of its day in Korea, ms. */
function startOfDay(time: number): number {
  return time - ((time + KOREA) % DAY);
}

/** How to be sent everything that Upbit trades: https://docs.upbit.com, "WebSocket" and "List of pairs". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed, OnOddRow } from "../exchange.ts";
import { checkList, fetchBody, marketOf, readRows } from "../markets.ts";
import { code } from "./fields.ts";

export const feed: Feed = {
  /** One frame with every code: there is no wildcard, and a later request replaces the earlier one. No answer ever comes. */
  subscribe(wanted) {
    // Upbit answers an empty list of codes with an error and closes.
    if (wanted.length === 0) return [];
    const codes = wanted.map(({ nativeSymbol }) => nativeSymbol);
    const request = [
      { ticket: crypto.randomUUID() },
      // Trades first: what a ticker then shows to be the last trade can't have slipped in between the two.
      { type: "trade", codes },
      { type: "ticker", codes },
      // Short keys: the same digits in half the bytes.
      { format: "SIMPLE" },
    ];
    return [{ frame: JSON.stringify(request) }];
  },
  // 5 a second and 100 a minute are allowed: this is within both.
  sends: { count: 4, per: 3000 },
  // Upbit never pings, and drops a connection after 60 s without a word from us.
  pingEvery: 25_000,
  silence: 30_000,
  connects: { count: 5, per: 1000 },
};

/** A flag that is null says nothing: no market is left out for that. */
const flag = z.boolean().nullish();
const row = z.object({
  market: code,
  korean_name: z.string().nullish(),
  english_name: z.string().nullish(),
  market_warning: z.string().nullish(),
  market_event: z.object({ warning: flag, caution: z.record(z.string(), flag).nullish() }).nullish(),
});
type Row = z.infer<typeof row>;
const reader = { exchange: "Upbit", schema: row, toMarket };

/**
 * Reads the list in its present form (with `market_event`), that of other countries (`market_warning`) and the old one.
 *
 * @throws {Error} when it is no list, or one of which no row can be read, naming the fields that are wrong
 */
export function readMarkets(body: string, onOdd?: OnOddRow): Market[] {
  return readRows(reader, checkList(reader.exchange, z.array(z.unknown()), JSON.parse(body)), onOdd);
}

/** @throws {Error} when Upbit does not answer with a market list */
export async function fetchMarkets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]> {
  return readMarkets(await fetchBody(`${restUrl}/v1/market/all?is_details=true`, signal), onOdd);
}

function toMarket(row: Row): Market {
  const { market, korean_name: ko = null, english_name: en = null } = row;
  // The list does not say the status; the ticker does.
  return marketOf(market, `${market.quote}-${market.base}`, { names: { ko, en }, warning: warningOf(row) });
}

function warningOf({ market_event: event, market_warning: warning }: Row): string | null {
  if (event == null) return warning === "CAUTION" ? warning : null;
  const cautions = Object.entries(event.caution ?? {}).flatMap(([name, on]) => (on === true ? [name] : []));
  const flags = event.warning === true ? ["WARNING", ...cautions] : cautions;
  return flags.length > 0 ? flags.join(",") : null;
}

/** How to be sent everything that Upbit trades: https://docs.upbit.com, "WebSocket" and "List of pairs". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import { instrument, isCode } from "../../../protocol/instrument.ts";
import type { Feed } from "../exchange.ts";
import { splitCode } from "./parse.ts";

export const feed: Feed = {
  /** One frame with every code: there is no wildcard, and a later request replaces the earlier one. */
  subscribe(markets) {
    // Upbit answers an empty list of codes with an error and closes.
    if (markets.length === 0) return [];
    const codes = markets.map(({ nativeSymbol }) => nativeSymbol);
    const request = [
      { ticket: crypto.randomUUID() },
      { type: "ticker", codes },
      { type: "trade", codes },
      // Short keys: the same digits in half the bytes.
      { format: "SIMPLE" },
    ];
    return [JSON.stringify(request)];
  },
  // Upbit never pings, and drops a connection after 60 s without a word from us.
  pingEvery: 25_000,
  silence: 30_000,
  connects: { count: 5, per: 1000 },
};

const marketList = z.array(
  z.object({
    market: z.string().refine((code) => splitCode(code).every(isCode), { error: "not QUOTE-BASE, e.g. KRW-BTC" }),
    korean_name: z.string().nullish(),
    english_name: z.string().nullish(),
    market_warning: z.string().nullish(),
    market_event: z.object({ warning: z.boolean(), caution: z.record(z.string(), z.boolean()).default({}) }).nullish(),
  }),
);
type Row = z.infer<typeof marketList>[number];

/**
 * Reads the list in its present form (with `market_event`), that of other countries (`market_warning`) and the old one.
 *
 * @throws {Error} naming the row and the field that are wrong
 */
export function readMarkets(body: string): Market[] {
  const { success, data, error } = marketList.safeParse(JSON.parse(body));
  if (success) return data.map(marketOf);
  const wrong = error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`not a market list of Upbit: ${wrong.join("; ")}`);
}

/** @throws {Error} when Upbit does not answer with a market list */
export async function fetchMarkets(restUrl: string, signal: AbortSignal): Promise<Market[]> {
  const url = `${restUrl}/v1/market/all?is_details=true`;
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return readMarkets(await response.text());
}

function marketOf(row: Row): Market {
  const [base, quote] = splitCode(row.market);
  const { name, exchange } = instrument("upbit", base, quote);
  return {
    instrument: name,
    exchange,
    base,
    quote,
    nativeSymbol: row.market,
    names: { ko: row.korean_name ?? null, en: row.english_name ?? null },
    // The list does not say it; the ticker does.
    status: null,
    warning: warningOf(row),
  };
}

function warningOf({ market_event: event, market_warning: warning }: Row): string | null {
  if (event == null) return warning === "CAUTION" ? warning : null;
  const cautions = Object.keys(event.caution).filter((name) => event.caution[name] === true);
  const flags = event.warning ? ["WARNING", ...cautions] : cautions;
  return flags.length > 0 ? flags.join(",") : null;
}

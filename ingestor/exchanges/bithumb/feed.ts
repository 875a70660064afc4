/** How to be sent everything that Bithumb trades: https://apidocs.bithumb.com, "WebSocket" and "Market codes". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Instrument } from "../../../protocol/instrument.ts";
import type { Feed } from "../exchange.ts";
import { baseFirst, isFrame, quoteFirst } from "./fields.ts";

export const feed: Feed = {
  /** One frame with every code: there is no wildcard, and a later request replaces the earlier one. */
  subscribe(markets) {
    // Bithumb answers an empty list of codes with an error and closes.
    if (markets.length === 0) return [];
    const codes = markets.map(({ nativeSymbol }) => nativeSymbol);
    const request = [
      { ticket: crypto.randomUUID() },
      { type: "ticker", codes },
      { type: "trade", codes },
      // The short keys are read too, but nobody has recorded them yet.
      { format: "DEFAULT" },
    ];
    return [JSON.stringify(request)];
  },
  // Bithumb never pings, and drops a connection after 60 s without a word from us.
  pingEvery: 25_000,
  silence: 30_000,
  // Ten a second are allowed, but who exceeds them gets 429 and is then locked out for ten minutes, with everyone else at
  // the same address. A connection holds all markets: one a second is enough.
  connects: { count: 1, per: 1000 },
};

const marketList = z.array(
  z.object({
    market: quoteFirst,
    korean_name: z.string().nullish(),
    english_name: z.string().nullish(),
    market_warning: z.string().nullish(),
  }),
);
/** Prices by base, and the time in the place of one more: the older generation's list (`/public/ticker/ALL_KRW`, `ALL_BTC`). */
const legacyList = z.object({ status: z.literal("0000"), data: z.record(z.string(), z.unknown()) });
/** Either generation's error; it may come with HTTP 200. */
const failure = z.union([
  z.object({ error: z.object({ name: z.coerce.string(), message: z.string().default("") }) }),
  z.object({ status: z.string().regex(/^(?!0000$)/), message: z.string() }),
]);

/**
 * Reads the list of either generation, so that recordings of both can be read with their own.
 *
 * @throws {Error} naming the row and the field that are wrong, or what Bithumb says is wrong
 */
export function readMarkets(body: string): Market[] {
  const list: unknown = JSON.parse(body);
  const failed = failure.safeParse(list);
  if (failed.success) throw new Error(`Bithumb answered with an error: ${reasonOf(failed.data)}`);
  if (isFrame(list) && "data" in list) return legacyMarkets(checked(legacyList, list).data);
  return checked(marketList, list).map(({ market, korean_name, english_name, market_warning: warning }) =>
    marketOf(market, `${market.quote}-${market.base}`, {
      names: { ko: korean_name ?? null, en: english_name ?? null },
      warning: warning === "NONE" ? null : (warning ?? null),
    }),
  );
}

/** @throws {Error} when Bithumb does not answer with a market list */
export async function fetchMarkets(restUrl: string, signal: AbortSignal): Promise<Market[]> {
  // Without the details no warnings are sent.
  const url = `${restUrl}/v1/market/all?isDetails=true`;
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return readMarkets(await response.text());
}

/** The list does not say what its prices are in; but nothing is priced in itself, and there were only won and bitcoin. */
function legacyMarkets(data: Readonly<Record<string, unknown>>): Market[] {
  const quote = "BTC" in data ? "KRW" : "BTC";
  const symbols = Object.keys(data).flatMap((base) => (base === "date" ? [] : [`${base}_${quote}`]));
  return checked(z.array(baseFirst), symbols).map((market, index) => marketOf(market, symbols[index] ?? "", UNKNOWN));
}

const UNKNOWN: Pick<Market, "names" | "warning"> = { names: { ko: null, en: null }, warning: null };

function marketOf(
  { name, exchange, base, quote }: Instrument,
  nativeSymbol: string,
  { names, warning }: Pick<Market, "names" | "warning">,
): Market {
  // No list says the status; the ticker does.
  return { instrument: name, exchange, base, quote, nativeSymbol, names, status: null, warning };
}

function reasonOf(failed: z.infer<typeof failure>): string {
  return "error" in failed ? `${failed.error.name}: ${failed.error.message}` : `${failed.status}: ${failed.message}`;
}

/** @throws {Error} naming the first few fields that are wrong */
function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const wrong = error.issues.slice(0, 3).map(({ path, message }) => [...path, message].join(": "));
  throw new Error(`not a market list of Bithumb: ${wrong.join("; ")}`);
}

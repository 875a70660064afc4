/** How to be sent everything that Korbit trades: https://docs.digitalx.miraeasset.com, "WebSocket" and "Currency pairs". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import { instrument } from "../../../protocol/instrument.ts";
import type { Feed } from "../exchange.ts";
import { splitSymbol } from "./parse.ts";

export const feed: Feed = {
  /** One frame with every symbol: there is no wildcard. A request adds to those before it. */
  subscribe(markets) {
    if (markets.length === 0) return [];
    const symbols = markets.map(({ nativeSymbol }) => nativeSymbol);
    // Without a requestId Korbit tells of failures only. A single request would have to be a list too.
    const requests = ["ticker", "trade"].map((type, index) => ({
      requestId: index + 1,
      method: "subscribe",
      type,
      symbols,
    }));
    return [JSON.stringify(requests)];
  },
  // Korbit pings every 30 s by itself: this is only for what lies between.
  pingEvery: 60_000,
  // A quiet exchange: a longer silence than elsewhere is still no sign of death.
  silence: 60_000,
  // No limit is documented.
  connects: { count: 1, per: 1000 },
};

const marketList = z.object({
  success: z.literal(true),
  data: z.array(
    z.object({
      symbol: z
        .string()
        .refine((symbol) => splitSymbol(symbol) !== undefined, { error: "not base_quote, e.g. btc_krw" }),
      status: z.string(),
    }),
  ),
});

/**
 * Reads the body of `currencyPairs`, with what is not traded any more (status `stopped`): recordings may hold it.
 *
 * @throws {Error} naming the row and the field that are wrong
 */
export function readMarkets(body: string): Market[] {
  const { success, data, error } = marketList.safeParse(JSON.parse(body));
  if (success) return data.data.map(marketOf);
  const wrong = error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`not a market list of Korbit: ${wrong.join("; ")}`);
}

/**
 * The markets that are traded: one that is not would fail the whole request it is subscribed with.
 *
 * @throws {Error} when Korbit does not answer with a market list
 */
export async function fetchMarkets(restUrl: string, signal: AbortSignal): Promise<Market[]> {
  const url = `${restUrl}/v2/currencyPairs`;
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return readMarkets(await response.text()).filter(({ status }) => status === "launched");
}

function marketOf({ symbol, status }: z.infer<typeof marketList>["data"][number]): Market {
  const [base = "", quote = ""] = splitSymbol(symbol) ?? [];
  const { name, exchange } = instrument("korbit", base, quote);
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

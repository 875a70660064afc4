/** How to be sent everything that Upbit trades: https://docs.upbit.com, "WebSocket" and "List of pairs". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed, OnOddRow } from "../exchange.ts";
import { fetchBody } from "../markets.ts";
import { listReader, marketRow } from "../upbit-protocol/markets.ts";
import { subscription } from "../upbit-protocol/subscription.ts";
import { code } from "./parse.ts";

export const feed: Feed = {
  // Short keys: the same digits in half the bytes.
  subscribe: subscription("SIMPLE"),
  // 5 a second and 100 a minute are allowed: this is within both.
  sends: { count: 4, per: 3000 },
  // Upbit never pings, and drops a connection after 60 s without a word from us.
  pingEvery: 25_000,
  silence: 30_000,
  connects: { count: 5, per: 1000 },
};

/** A flag that is null says nothing: no market is left out for that. */
const flag = z.boolean().nullish();
const row = marketRow(code).extend({
  market_event: z.object({ warning: flag, caution: z.record(z.string(), flag).nullish() }).nullish(),
});

const readList = listReader("Upbit", row, warningOf);

/**
 * Reads the list in its present form (with `market_event`), that of other countries (`market_warning`) and the old one.
 *
 * @throws {Error} when it is no list, or one of which no row can be read, naming the fields that are wrong
 */
export function readMarkets(body: string, onOdd?: OnOddRow): Market[] {
  return readList(JSON.parse(body), onOdd);
}

/** @throws {Error} when Upbit does not answer with a market list */
export async function fetchMarkets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]> {
  return readMarkets(await fetchBody(`${restUrl}/v1/market/all?is_details=true`, signal), onOdd);
}

function warningOf({ market_event: event, market_warning: warning }: z.infer<typeof row>): string | null {
  if (event == null) return warning === "CAUTION" ? warning : null;
  const cautions = Object.entries(event.caution ?? {}).flatMap(([name, on]) => (on === true ? [name] : []));
  const flags = event.warning === true ? ["WARNING", ...cautions] : cautions;
  return flags.length > 0 ? flags.join(",") : null;
}

/** How to be sent everything that Korbit trades: https://docs.digitalx.miraeasset.com, "WebSocket" and "Currency pairs". */

import { randomInt } from "node:crypto";
import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed, FeedRequest, OnOddRow } from "../exchange.ts";
import { changesOf, checkList, fetchBody, marketOf, readRows } from "../markets.ts";
import { symbol } from "./fields.ts";

/** What a 32-bit integer can be: the documentation says no more than that an id is a number. */
const MAX_ID = 2 ** 31;

export const feed: Feed = {
  /** There is no wildcard, and requests add up. */
  subscribe(wanted, before) {
    const { added, removed } = changesOf(wanted, before);
    return [...requests("unsubscribe", removed), ...requests("subscribe", added)];
  },
  // No limit is documented. A list of markets that changes takes 4.
  sends: { count: 4, per: 2000 },
  // Korbit pings every 30 s by itself.
  pingEvery: null,
  // A quiet exchange: a longer silence than elsewhere is still no sign of death.
  silence: 60_000,
  // No limit is documented.
  connects: { count: 1, per: 1000 },
};

/** One a message, so that each has an answer of its own. */
function requests(method: "subscribe" | "unsubscribe", markets: readonly Market[]): FeedRequest[] {
  if (markets.length === 0) return [];
  const symbols = markets.map(({ nativeSymbol }) => nativeSymbol);
  // Trades first: what a ticker then shows to be the last trade can't have slipped in between the two.
  return ["trade", "ticker"].map((type) => {
    // Without one, Korbit tells of failures only.
    const requestId = randomInt(1, MAX_ID);
    // A list even of one: Korbit takes nothing else.
    return { frame: JSON.stringify([{ requestId, method, type, symbols }]), id: String(requestId) };
  });
}

const marketList = z.object({ success: z.literal(true), data: z.array(z.unknown()) });
const row = z.object({ symbol, status: z.string() });
const reader = { exchange: "Korbit", where: "data.", schema: row, toMarket };

/**
 * Reads the body of `currencyPairs`, with what is not traded any more (status `stopped`): recordings may hold it.
 *
 * @throws {Error} when it is no list, or one of which no row can be read, naming the fields that are wrong
 */
export function readMarkets(body: string, onOdd?: OnOddRow): Market[] {
  return readRows(reader, checkList(reader.exchange, marketList, JSON.parse(body)).data, onOdd);
}

/**
 * The markets that are traded: one that is not would fail the whole request it is subscribed with.
 *
 * @throws {Error} when Korbit does not answer with a market list
 */
export async function fetchMarkets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]> {
  const markets = readMarkets(await fetchBody(`${restUrl}/v2/currencyPairs`, signal), onOdd);
  return markets.filter(({ status }) => status === "launched");
}

function toMarket({ symbol: found, status }: z.infer<typeof row>): Market {
  return marketOf(found, `${found.base}_${found.quote}`.toLowerCase(), { status });
}

/** How to be sent everything that Bithumb trades: https://apidocs.bithumb.com, "WebSocket" and "Market codes". */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Instrument } from "../../../protocol/instrument.ts";
import type { Feed, OnOddRow } from "../exchange.ts";
import { isFields } from "../frames.ts";
import { checkList, fetchBody, marketOf, readRows } from "../markets.ts";
import { listReader, marketRow } from "../upbit-protocol/markets.ts";
import { subscription } from "../upbit-protocol/subscription.ts";
import { baseFirst, quoteFirst } from "./fields.ts";
import { errorIn } from "./refusal.ts";

export const feed: Feed = {
  // The short keys are read too, but nobody has recorded them yet.
  subscribe: subscription("DEFAULT"),
  // No limit is known; Upbit, whose protocol it resembles, allows 5 a second and 100 a minute.
  sends: { count: 4, per: 3000 },
  // Bithumb never pings, and drops a connection after 60 s without a word from us.
  pingEvery: 25_000,
  silence: 30_000,
  // Ten a second are allowed, but who exceeds them gets 429 and is then locked out for ten minutes, with everyone else at
  // the same address. A connection holds all markets: one a second is enough.
  connects: { count: 1, per: 1000 },
};

const BITHUMB = "Bithumb";

/** Prices by base, and the time in the place of one more: the older generation's list (`/public/ticker/ALL_KRW`, `ALL_BTC`). */
const legacyList = z.object({ status: z.literal("0000"), data: z.record(z.string(), z.unknown()) });

const readCurrent = listReader(BITHUMB, marketRow(quoteFirst), ({ market_warning: warning }) =>
  warning === "NONE" ? null : (warning ?? null),
);
const legacyReader = {
  exchange: BITHUMB,
  schema: baseFirst,
  toMarket: (found: Instrument) => marketOf(found, `${found.base}_${found.quote}`),
};

/**
 * Reads the list of either generation, so that recordings of both can be read with their own.
 *
 * @throws {Error} when it is no list, or one of which no row can be read, naming the fields that are wrong, or what Bithumb
 *   says is wrong
 */
export function readMarkets(body: string, onOdd?: OnOddRow): Market[] {
  const list: unknown = JSON.parse(body);
  const refusal = errorIn(list);
  if (refusal !== null) throw new Error(`Bithumb answered with an error: ${refusal}`);
  if (isFields(list) && "data" in list) return legacyMarkets(checkList(BITHUMB, legacyList, list).data, onOdd);
  return readCurrent(list, onOdd);
}

/** @throws {Error} when Bithumb does not answer with a market list */
export async function fetchMarkets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]> {
  // Without the details no warnings are sent.
  return readMarkets(await fetchBody(`${restUrl}/v1/market/all?isDetails=true`, signal), onOdd);
}

/** The list does not say what its prices are in; but nothing is priced in itself, and there were only won and bitcoin. */
function legacyMarkets(data: Readonly<Record<string, unknown>>, onOdd?: OnOddRow): Market[] {
  const quote = "BTC" in data ? "KRW" : "BTC";
  const symbols = Object.keys(data).flatMap((base) => (base === "date" ? [] : [`${base}_${quote}`]));
  return readRows(legacyReader, symbols, onOdd);
}

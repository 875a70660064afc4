/** What market lists take on every exchange: fetching one, checking it, and what is new in it. */

import type { z } from "zod";
import type { Market } from "../../protocol/ingest.ts";
import type { Instrument } from "../../protocol/instrument.ts";

/** @throws {Error} when the answer is not 200 */
export async function fetchBody(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/**
 * @param exchange as people write it, e.g. Upbit
 * @throws {Error} naming the first few fields that are wrong
 */
export function checkList<T>(exchange: string, schema: z.ZodType<T>, list: unknown): T {
  const { success, data, error } = schema.safeParse(list);
  if (success) return data;
  const wrong = error.issues
    .slice(0, 3)
    .map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  throw new Error(`not a market list of ${exchange}: ${wrong.join("; ")}`);
}

/** A market of which the list says no more than it is given here. */
export function marketOf(
  { name, exchange, base, quote }: Instrument,
  nativeSymbol: string,
  told: Partial<Pick<Market, "names" | "status" | "warning">> = {},
): Market {
  const untold = { names: { ko: null, en: null }, status: null, warning: null };
  return { instrument: name, exchange, base, quote, nativeSymbol, ...untold, ...told };
}

/** What is wanted that was not there before, and the other way round: for exchanges whose requests add up. */
export function changesOf(
  wanted: readonly Market[],
  before: readonly Market[],
): { readonly added: Market[]; readonly removed: Market[] } {
  return { added: without(wanted, before), removed: without(before, wanted) };
}

function without(markets: readonly Market[], others: readonly Market[]): Market[] {
  const symbols = new Set(others.map(({ nativeSymbol }) => nativeSymbol));
  return markets.filter(({ nativeSymbol }) => !symbols.has(nativeSymbol));
}

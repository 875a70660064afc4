/** What market lists take on every exchange: fetching one, checking it, and what is new in it. */

import type { z } from "zod";
import type { Market } from "../../protocol/ingest.ts";
import type { Instrument } from "../../protocol/instrument.ts";
import type { OnOddRow } from "./exchange.ts";

/** Thrown for an answer of the REST API that is not 200. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
  readonly response: Response;

  constructor(response: Response) {
    super(`${response.url} answered ${response.status}`);
    this.response = response;
  }
}

/** @throws {AnswerError} when the answer is not 200 */
export async function fetchBody(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  const body = await response.text();
  if (!response.ok) throw new AnswerError(response);
  return body;
}

/** How the rows of a market list are read. */
export interface RowReader<T> {
  /** As people write it, e.g. Upbit. */
  readonly exchange: string;
  /** What goes before a row's number in what an error names, e.g. `data.`. */
  readonly where?: string;
  readonly schema: z.ZodType<T>;
  readonly toMarket: (row: T) => Market;
}

/**
 * Checks what is around the rows of a market list.
 *
 * @param exchange as people write it, e.g. Upbit
 * @throws {Error} naming the first few fields that are wrong
 */
export function checkList<T>(exchange: string, schema: z.ZodType<T>, list: unknown): T {
  const { success, data, error } = schema.safeParse(list);
  if (success) return data;
  throw notAList(exchange, issuesOf(error));
}

/**
 * Reads the rows of a market list one by one: an odd one must not cost the others.
 *
 * @throws {Error} when there are rows and none can be read, naming the first few fields that are wrong
 */
export function readRows<T>(reader: RowReader<T>, rows: readonly unknown[], onOdd?: OnOddRow): Market[] {
  const { exchange, where = "", schema, toMarket } = reader;
  const markets = new Map<string, Market>();
  const wrong: string[] = [];
  for (const [index, row] of rows.entries()) {
    const { success, data, error } = schema.safeParse(row);
    const market = success ? toMarket(data) : undefined;
    if (market !== undefined && !markets.has(market.instrument)) {
      markets.set(market.instrument, market);
      continue;
    }
    const issues = error === undefined ? [`${market?.instrument} is there twice`] : issuesOf(error, `${where}${index}`);
    wrong.push(...issues);
    onOdd?.({ row, reason: issues.join("; ") });
  }
  if (rows.length > 0 && markets.size === 0) throw notAList(exchange, wrong);
  return [...markets.values()];
}

function issuesOf({ issues }: z.ZodError, where?: string): string[] {
  return issues.map(({ path, message }) => {
    const field = [where, ...path].filter((part) => part !== undefined).join(".");
    return [field, message].filter(Boolean).join(": ");
  });
}

function notAList(exchange: string, wrong: readonly string[]): Error {
  return new Error(`not a market list of ${exchange}: ${wrong.slice(0, 3).join("; ")}`);
}

/** A market; fields that the list does not have are null. */
export function marketOf(
  { name, exchange, base, quote }: Instrument,
  nativeSymbol: string,
  listed: Partial<Pick<Market, "names" | "status" | "warning">> = {},
): Market {
  const nothing = { names: { ko: null, en: null }, status: null, warning: null };
  return { instrument: name, exchange, base, quote, nativeSymbol, ...nothing, ...listed };
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

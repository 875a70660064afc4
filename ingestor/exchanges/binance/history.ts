/** Binance's trade history by REST: https://github.com/binance/binance-spot-api-docs, "Old trade lookup". By id, oldest first. */

import { z } from "zod";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Get, History } from "../exchange.ts";
import { amount, integer, isFields, milliseconds, readFields, readJson } from "../frames.ts";

const PAGE = 1000;

type Trade = TradeEvent & { readonly id: string };
const rows = z.array(
  z.object({ id: integer, price: amount, qty: amount, time: milliseconds, isBuyerMaker: z.boolean() }),
);
/** A taker's trades at one price; `f` is the id of the first of them. */
const aggregates = z.array(z.object({ f: integer }));

export const history: History = {
  // Each page costs 25 of the 6000 that are allowed a minute.
  requests: { count: 3, per: 1000 },
  order: "oldest-first",
  sameIds: true,
  async *trades({ nativeSymbol, instrument }, { since, until, lastId }, get) {
    let first = lastId ?? (await firstSince(nativeSymbol, since, get));
    if (first === null) return since;
    let from = first;
    let wholeFrom: number | undefined;
    for (;;) {
      const page = read(
        await get(pathOf("historicalTrades", { symbol: nativeSymbol, fromId: from, limit: String(PAGE) })),
        instrument,
      );
      if (page.length === 0 && from === lastId) {
        // Not even the trade that we have: ids may have begun anew, below it.
        first = await firstSince(nativeSymbol, since, get);
        if (first === null || first === lastId) return until;
        from = first;
        continue;
      }
      yield page;
      const [oldest, newest] = [page[0], page.at(-1)];
      // Where it does not know the trade that we begin with, it has forgotten what came after that one too.
      wholeFrom ??= oldest?.id === first ? since : (oldest?.time ?? until);
      if (newest === undefined || page.length < PAGE || newest.time > until) return wholeFrom;
      from = String(BigInt(newest.id) + 1n);
    }
  },
  read,
};

/** The id of the first trade since a time (ms), or null when there was none. */
async function firstSince(symbol: string, since: number, get: Get): Promise<string | null> {
  const body = await get(pathOf("aggTrades", { symbol, startTime: String(since), limit: "1" }));
  return readFields(aggregates, readJson(body))[0]?.f ?? null;
}

function pathOf(endpoint: string, query: Record<string, string>): string {
  return `/api/v3/${endpoint}?${new URLSearchParams(query)}`;
}

function read(body: string, instrument: string): Trade[] {
  const answer = readJson(body);
  // Aggregates are no trades: `a` is an id of their own.
  if (Array.isArray(answer) && answer.some((row) => isFields(row) && "a" in row)) return [];
  return readFields(rows, answer).map((row) => ({
    type: "trade",
    instrument,
    id: row.id,
    price: row.price,
    size: row.qty,
    // The maker was waiting in the book: then the other one is the taker.
    side: row.isBuyerMaker ? "sell" : "buy",
    time: row.time,
    received: null,
    snapshot: false,
  }));
}

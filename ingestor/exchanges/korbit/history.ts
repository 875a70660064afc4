/** Korbit's trade history by REST: https://docs.digitalx.miraeasset.com, "Recent trades". The newest 500, and no way further back. */

import type { TradeEvent } from "../../../protocol/events.ts";
import { type History, UnavailableError } from "../exchange.ts";
import { isFields, readJson } from "../frames.ts";
import { readHistory } from "./fields.ts";
import { tradeOf } from "./parse.ts";

const MAX_TRADES = 500;

export const history: History = {
  // 50 a second are allowed, whatever is asked for.
  requests: { count: 40, per: 1000 },
  order: "newest-first",
  sameIds: true,
  async *trades({ nativeSymbol, instrument }, _range, get) {
    const query = new URLSearchParams({ symbol: nativeSymbol, limit: String(MAX_TRADES) });
    const body = await get(`/v2/trades?${query}`);
    const refusal = refusalIn(body);
    if (refusal !== null) throw new UnavailableError(`Korbit answered with an error: ${refusal}`);
    const trades = read(body, instrument);
    yield trades;
    // Fewer than asked for are all that there ever were.
    return trades.length < MAX_TRADES ? 0 : Math.min(...trades.map(({ time }) => time));
  },
  read,
};

/** What Korbit says is wrong, in an answer of 200; null when it is no error. */
function refusalIn(body: string): string | null {
  const answer = readJson(body);
  return isFields(answer) && answer["success"] === false ? JSON.stringify(answer["error"] ?? null) : null;
}

function read(body: string, instrument: string): TradeEvent[] {
  if (refusalIn(body) !== null) return [];
  const context = { instrument, received: null, snapshot: false };
  return readHistory(readJson(body)).map((trade) => tradeOf(trade, context));
}

/** Upbit's trade history by REST: https://docs.upbit.com, "Recent trades". One UTC day at a time. */

import type { History } from "../exchange.ts";
import { readJson } from "../frames.ts";
import { type HistoryDialect, tradesByDay, tradesOf } from "../upbit-protocol/history.ts";

const dialect: HistoryDialect = {
  // Documented for 1 to 7; without it comes today.
  dayQuery: (daysAgo) => (daysAgo === 0 ? {} : { days_ago: String(daysAgo) }),
  dayOffset: 0,
  read: (body, instrument) => tradesOf(readJson(body), instrument),
};

export const history: History = {
  // 10 a second are allowed, for trades alone.
  requests: { count: 8, per: 1000 },
  order: "newest-first",
  sameIds: true,
  trades: (market, { since }, get) => tradesByDay(market, since, get, dialect),
  read: dialect.read,
};

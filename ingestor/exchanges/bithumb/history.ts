/** Bithumb's trade history by REST: https://apidocs.bithumb.com, "Recent trades". One Korean day at a time. */

import { FrameError, type History, HistoryError, UnavailableError } from "../exchange.ts";
import { readJson } from "../frames.ts";
import { type HistoryDialect, tradesByDay, tradesOf } from "../upbit-protocol/history.ts";
import { errorIn } from "./refusal.ts";

/** Korea is ahead of UTC by this, ms, all year round. */
const KOREA = 9 * 3_600_000;

const dialect: HistoryDialect = {
  // Without `to` the day's midnight is meant, and what comes is the day before.
  dayQuery: (daysAgo) => (daysAgo === 0 ? {} : { daysAgo: String(daysAgo), to: "235959" }),
  dayOffset: KOREA,
  read(body, instrument) {
    const answer = readJson(body);
    const refusal = errorIn(answer);
    if (refusal !== null) throw failureOf(refusal);
    return tradesOf(answer, instrument);
  },
};

export const history: History = {
  // 150 a second are allowed for trades; over it the address is locked out for minutes.
  requests: { count: 50, per: 1000 },
  order: "newest-first",
  // Its ids are not those of the socket.
  sameIds: false,
  trades: (market, { since }, get) => tradesByDay(market, since, get, dialect),
  read(body, instrument) {
    const answer = readJson(body);
    return errorIn(answer) === null ? tradesOf(answer, instrument) : [];
  },
};

/** An error may come with HTTP 200: then its name says what the status does not. */
function failureOf(refusal: string): Error {
  const message = `Bithumb answered with an error: ${refusal}`;
  if (/^(400|404|410):/.test(refusal)) return new HistoryError(message);
  return /^(418|429|5\d\d):/.test(refusal) ? new UnavailableError(message) : new FrameError(message);
}

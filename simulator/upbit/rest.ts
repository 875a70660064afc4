import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimulatedExchange } from "../dialect.ts";
import type { MarketEngine } from "../engine.ts";
import type { Market } from "../market.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Trade } from "../trade.ts";
import { volumeText } from "./frames.ts";
import { trimmed } from "./numbers.ts";
import type { UpbitSettings } from "./settings.ts";

const DAY = 86_400_000;
const CAUTIONS = [
  "PRICE_FLUCTUATIONS",
  "TRADING_VOLUME_SOARING",
  "DEPOSIT_AMOUNT_SOARING",
  "GLOBAL_PRICE_DIFFERENCES",
  "CONCENTRATION_OF_SMALL_ACCOUNTS",
];

/** An answer that is not 200, in Upbit's shape. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Upbit's quotation REST: the market list and the history of trades. */
export class UpbitRest {
  readonly #engine: MarketEngine;
  readonly #now: () => number;
  readonly #limiter: SlidingWindowLimiter;

  constructor({ engine, now }: SimulatedExchange, settings: UpbitSettings) {
    this.#engine = engine;
    this.#now = now;
    this.#limiter = new SlidingWindowLimiter(settings.requests);
  }

  /** Answers a request for `url`, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    try {
      const group = url.pathname === "/v1/market/all" ? "market" : "trade";
      if (!this.#limiter.take(`${group} ${request.socket.remoteAddress}`)) {
        throw new Refusal(429, "too many requests");
      }
      response.setHeader("Remaining-Req", `group=${group}; min=600; sec=9`);
      reply(response, 200, this.#answer(url));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      reply(response, cause.status, JSON.stringify({ error: { name: cause.status, message: cause.message } }));
    }
  }

  #answer(url: URL): string {
    if (url.pathname === "/v1/market/all") return this.#marketList(url.searchParams);
    if (url.pathname === "/v1/trades/ticks") return this.#ticks(url.searchParams);
    throw new Refusal(404, `no ${url.pathname} here; there are /v1/market/all and /v1/trades/ticks`);
  }

  #marketList(query: URLSearchParams): string {
    const details = query.get("is_details") ?? query.get("isDetails") ?? "false";
    if (details !== "true" && details !== "false") throw new Refusal(400, "is_details is true or false");
    return JSON.stringify(this.#engine.markets.map((market) => listed(market, details === "true")));
  }

  #ticks(query: URLSearchParams): string {
    const market = query.get("market");
    if (!market) throw new Refusal(400, "market is missing, such as market=KRW-BTC");
    const count = whole(query, "count", 1, 500) ?? 1;
    const daysAgo = whole(query, "days_ago", 0, 7) ?? whole(query, "daysAgo", 0, 7) ?? 0;
    const cursor = query.get("cursor");
    if (cursor !== null && !/^\d{1,19}$/.test(cursor)) throw new Refusal(400, "cursor is a sequential_id");
    if (!this.#engine.market(market)) throw new Refusal(404, "Code not found");
    // A page never leaves its UTC day, with a cursor or without.
    const day = Math.floor(this.#now() / DAY) - daysAgo;
    const before = Math.min((day + 1) * DAY, day * DAY + timeOfDay(query.get("to")));
    const trades = this.#engine.history(
      market,
      count,
      (trade) =>
        trade.timestamp >= day * DAY && trade.timestamp < before && (cursor === null || trade.id < BigInt(cursor)),
    );
    return `[${trades.map(row).join(",")}]`;
  }
}

function listed({ code, koreanName, englishName }: Market, details: boolean) {
  const entry = { market: code, korean_name: koreanName, english_name: englishName };
  if (!details) return entry;
  const caution = Object.fromEntries(CAUTIONS.map((name) => [name, false]));
  return { ...entry, market_event: { warning: false, caution } };
}

function row(trade: Trade): string {
  const when = new Date(trade.timestamp).toISOString();
  const previous = trade.prevClosingPrice;
  return (
    `{"market":"${trade.market}","trade_date_utc":"${when.slice(0, 10)}","trade_time_utc":"${when.slice(11, 19)}",` +
    `"timestamp":${trade.timestamp},"trade_price":${trimmed(trade.price, 1)},` +
    `"trade_volume":${volumeText(trade.volume)},"prev_closing_price":${trimmed(previous, 1)},` +
    // Signed here, unlike in the trade frame.
    `"change_price":${trimmed(trade.price - previous, 1)},"ask_bid":"${trade.side}","sequential_id":${trade.id}}`
  );
}

function whole(query: URLSearchParams, name: string, from: number, to: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to) throw new Refusal(400, `${name} is ${from} … ${to}`);
  return value;
}

/** Ms since midnight of `HH:mm:ss` or `HHmmss`; the end of the day when absent. */
function timeOfDay(text: string | null): number {
  if (text === null) return DAY;
  const match = /^([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)$/.exec(text);
  if (!match) throw new Refusal(400, "to is HH:mm:ss or HHmmss, in UTC");
  return (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000;
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Type": "application/json;charset=UTF-8" }).end(body);
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import type { SimulatedExchange } from "../dialect.ts";
import type { MarketEngine } from "../engine.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Trade } from "../trade.ts";
import { number } from "./numbers.ts";
import type { BithumbSettings } from "./settings.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** History reaches back to the start of this many days before today. */
const DAYS = 7;

/** An answer that is an error; some come with status 200 all the same. */
class Refusal extends Error {
  readonly code: number;
  readonly status: number;
  constructor(code: number, message: string, status = code) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const whole = (from: number, to: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(from).max(to)).optional();
const ticksQuery = z.object({
  market: z.string(),
  count: whole(1, 500),
  daysAgo: whole(1, DAYS),
  to: z
    .string()
    .regex(/^([01]\d|2[0-3]):?[0-5]\d:?[0-5]\d$/)
    .transform(timeOfDay)
    .optional(),
  cursor: z
    .string()
    .regex(/^\d{1,19}$/)
    .transform(BigInt)
    .optional(),
});
const RULES: Record<string, string> = {
  market: "market is missing, such as market=KRW-BTC",
  count: "count is 1 … 500",
  daysAgo: `daysAgo is 1 … ${DAYS}`,
  to: "to is HH:mm:ss or HHmmss, in KST",
  cursor: "cursor is a sequential_id",
};

/** Bithumb's REST: the market list and the history of trades. */
export class BithumbRest {
  readonly #engine: MarketEngine;
  readonly #now: () => number;
  readonly #limiter: SlidingWindowLimiter;

  constructor({ engine, now }: SimulatedExchange, settings: BithumbSettings) {
    this.#engine = engine;
    this.#now = now;
    this.#limiter = new SlidingWindowLimiter(settings.requests);
  }

  /** Answers a request for `url`, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    try {
      const group = url.pathname === "/v1/market/all" ? "other" : "trade";
      if (!this.#limiter.take(`${group} ${request.socket.remoteAddress}`)) throw new Refusal(429, "too many requests");
      reply(response, 200, this.#answer(url));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      const { code: name, message, status } = cause;
      reply(response, status, JSON.stringify({ error: { name, message } }));
    }
  }

  #answer(url: URL): string {
    if (url.pathname === "/v1/market/all") return this.#marketList(url.searchParams.get("isDetails") === "true");
    if (url.pathname === "/v1/trades/ticks") return this.#ticks(url.searchParams);
    throw new Refusal(404, `no ${url.pathname} here; there are /v1/market/all and /v1/trades/ticks`);
  }

  #marketList(details: boolean): string {
    const list = this.#engine.markets.map(({ code, koreanName, englishName }) => {
      const entry = { market: code, korean_name: koreanName, english_name: englishName };
      return details ? { ...entry, market_warning: "NONE" } : entry;
    });
    return JSON.stringify(list);
  }

  #ticks(parameters: URLSearchParams): string {
    const query = ticksQuery.safeParse(Object.fromEntries(parameters));
    if (!query.success) throw new Refusal(400, RULES[String(query.error.issues[0]?.path[0])] ?? "wrong query");
    const { market, count = 1, cursor } = query.data;
    // Unlike the other errors this one calls itself a success.
    if (!this.#engine.market(market)) throw new Refusal(404, "Code not found", 200);
    const oldest = this.#midnight(DAYS);
    const before = this.#before(query.data);
    const trades = this.#engine.history(
      market,
      count,
      ({ timestamp, id }) => timestamp >= oldest && timestamp < before && (cursor === undefined || id < cursor),
    );
    return `[${trades.map(row).join(",")}]`;
  }

  /**
   * Rows are older than this, ms; they go on into the days before. A day without a time of day means its very beginning,
   * so that `daysAgo=1` alone shows nothing of yesterday.
   */
  #before({ daysAgo, to }: z.output<typeof ticksQuery>): number {
    if (daysAgo === undefined && to === undefined) return Number.POSITIVE_INFINITY;
    return this.#midnight(daysAgo ?? 0) + (to ?? 0);
  }

  /** The start of a day in Korea, ms. */
  #midnight(daysAgo: number): number {
    return (Math.floor((this.#now() + 9 * HOUR) / DAY) - daysAgo) * DAY - 9 * HOUR;
  }
}

/** True UTC, unlike the strings of the WebSocket, and another id than there. */
function row(trade: Trade): string {
  const when = new Date(trade.timestamp).toISOString();
  const previous = trade.prevClosingPrice;
  return (
    `{"market":"${trade.market}","trade_date_utc":"${when.slice(0, 10)}","trade_time_utc":"${when.slice(11, 19)}",` +
    `"timestamp":${trade.timestamp},"trade_price":${number(trade.price)},"trade_volume":${number(trade.volume)},` +
    `"prev_closing_price":${number(previous)},"change_price":${number(trade.price - previous)},` +
    `"ask_bid":"${trade.side}","sequential_id":${trade.id}}`
  );
}

/** Ms since midnight of `HH:mm:ss` or `HHmmss`. */
function timeOfDay(text: string): number {
  const digits = text.replaceAll(":", "");
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)));
  return ((hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1_000;
}

function reply(response: ServerResponse, status: number, body: string): void {
  const limits = {
    "x-ratelimit-remaining": "149",
    "x-ratelimit-burst-capacity": "150",
    "x-ratelimit-replenish-rate": "150",
  };
  response.writeHead(status, { "Content-Type": "application/json;charset=UTF-8", ...limits }).end(body);
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimulatedExchange } from "../dialect.ts";
import { type Limit, SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Trade } from "../trade.ts";

/** An answer that is an error; Bithumb sends some with status 200 all the same. */
export class Refusal extends Error {
  readonly code: number;
  readonly status: number;
  constructor(code: number, message: string, status = code) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The quotation REST of Upbit's protocol: the market list and the history of trades. */
export abstract class UpbitProtocolRest {
  protected readonly exchange: SimulatedExchange;
  readonly #limiter: SlidingWindowLimiter;

  /** @param requests the limits of one IP, for the list and for the history each */
  constructor(exchange: SimulatedExchange, requests: readonly Limit[]) {
    this.exchange = exchange;
    this.#limiter = new SlidingWindowLimiter(requests);
  }

  /** Answers a request for `url`, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const group = url.pathname === "/v1/market/all" ? "market" : "trade";
    response.setHeader("Content-Type", "application/json;charset=UTF-8");
    for (const [name, value] of Object.entries(this.limitHeaders(group))) response.setHeader(name, value);
    try {
      if (!this.#limiter.take(`${group} ${request.socket.remoteAddress}`)) throw new Refusal(429, "too many requests");
      response.end(this.#answer(url));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      const { code: name, message, status } = cause;
      response.writeHead(status).end(JSON.stringify({ error: { name, message } }));
    }
  }

  /** The headers that say how many requests are left. */
  protected abstract limitHeaders(group: "market" | "trade"): Readonly<Record<string, string>>;

  /** The rows of `/v1/market/all`. @throws {Refusal} */
  protected abstract marketList(query: URLSearchParams): readonly object[];

  /** The rows of `/v1/trades/ticks`, as JSON texts. @throws {Refusal} */
  protected abstract ticks(query: URLSearchParams): readonly string[];

  #answer({ pathname, searchParams }: URL): string {
    if (pathname === "/v1/market/all") return JSON.stringify(this.marketList(searchParams));
    if (pathname === "/v1/trades/ticks") return `[${this.ticks(searchParams).join(",")}]`;
    throw new Refusal(404, `no ${pathname} here; there are /v1/market/all and /v1/trades/ticks`);
  }
}

/**
 * A trade's row as JSON text: true UTC, and a signed change, unlike the frames of the WebSocket.
 *
 * @param price spells a price
 */
export function tradeRow(trade: Trade, price: (value: bigint) => string, volume: (value: bigint) => string): string {
  const when = new Date(trade.timestamp).toISOString();
  const previous = trade.prevClosingPrice;
  return (
    `{"market":"${trade.market}","trade_date_utc":"${when.slice(0, 10)}","trade_time_utc":"${when.slice(11, 19)}",` +
    `"timestamp":${trade.timestamp},"trade_price":${price(trade.price)},"trade_volume":${volume(trade.volume)},` +
    `"prev_closing_price":${price(previous)},"change_price":${price(trade.price - previous)},` +
    `"ask_bid":"${trade.side}","sequential_id":${trade.id}}`
  );
}

const TIME_OF_DAY = /^([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)$/;

/** Ms since midnight of `HH:mm:ss` or `HHmmss`; undefined for any other text. */
export function timeOfDay(text: string): number | undefined {
  const match = TIME_OF_DAY.exec(text);
  if (!match) return undefined;
  return (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000;
}

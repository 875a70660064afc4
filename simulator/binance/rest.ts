import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimulatedExchange } from "../dialect.ts";
import { TradeHistory } from "./history.ts";
import type { TradeIds } from "./ids.ts";
import { marketList } from "./market-list.ts";
import { Refusal } from "./refusal.ts";
import type { BinanceSettings } from "./settings.ts";
import { WeightMeter } from "./weight.ts";

interface Endpoint {
  readonly weight: number;
  /** @throws {Refusal} for a query that cannot be answered */
  readonly answer: (query: URLSearchParams) => string;
}

/** Binance's market data over REST: the market list and the history of trades. */
export class BinanceRest {
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #meter: WeightMeter;
  readonly #perMinute: number;

  constructor({ engine, now }: SimulatedExchange, { weightPerMinute }: BinanceSettings, ids: TradeIds) {
    const history = new TradeHistory(engine, ids);
    this.#meter = new WeightMeter(weightPerMinute, now);
    this.#perMinute = weightPerMinute;
    this.#endpoints = new Map<string, Endpoint>([
      [
        "/api/v3/exchangeInfo",
        { weight: 20, answer: (query) => marketList(engine.markets, query, now(), weightPerMinute) },
      ],
      ["/api/v3/trades", { weight: 25, answer: (query) => history.newest(query) }],
      ["/api/v3/historicalTrades", { weight: 25, answer: (query) => history.trades(query) }],
      ["/api/v3/aggTrades", { weight: 4, answer: (query) => history.aggregates(query) }],
    ]);
  }

  /** Answers a request for `url`, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    try {
      const endpoint = this.#endpoints.get(url.pathname);
      if (!endpoint) {
        const known = [...this.#endpoints.keys()].join(", ");
        throw new Refusal(404, -1000, `no ${url.pathname} here; there are ${known}`);
      }
      this.#charge(request, response, endpoint.weight);
      reply(response, 200, endpoint.answer(url.searchParams));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      reply(response, cause.status, JSON.stringify({ code: cause.code, msg: cause.message }));
    }
  }

  #charge(request: IncomingMessage, response: ServerResponse, weight: number): void {
    const { used, retryAfter } = this.#meter.spend(request.socket.remoteAddress ?? "", weight);
    response.setHeader("X-MBX-USED-WEIGHT-1M", used);
    if (retryAfter === undefined) return;
    response.setHeader("Retry-After", retryAfter);
    throw new Refusal(
      429,
      -1003,
      `Too much request weight used; current limit is ${this.#perMinute} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`,
    );
  }
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Type": "application/json;charset=UTF-8" }).end(body);
}

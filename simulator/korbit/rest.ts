import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimulatedExchange } from "../dialect.ts";
import type { MarketEngine } from "../engine.ts";
import { FixedWindowLimiter } from "./fixed-window-limiter.ts";
import { tradeRow } from "./frames.ts";
import { Pairs } from "./pairs.ts";
import type { KorbitSettings } from "./settings.ts";

/** An answer that is not 200: Korbit's error code as the message, a description beside it. */
class Refusal extends Error {
  readonly status: number;
  readonly description: string;
  constructor(status: number, message: string, description: string) {
    super(message);
    this.status = status;
    this.description = description;
  }
}

/** Korbit's quotation REST: the pairs, their figures and their newest trades. */
export class KorbitRest {
  readonly #engine: MarketEngine;
  readonly #settings: KorbitSettings;
  readonly #pairs: Pairs;
  readonly #limiter: FixedWindowLimiter | undefined;
  /** What each path answers with. */
  readonly #calls: ReadonlyMap<string, (query: URLSearchParams) => unknown>;

  constructor({ engine }: SimulatedExchange, settings: KorbitSettings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#pairs = new Pairs(engine);
    this.#limiter = settings.requests ? new FixedWindowLimiter(settings.requests) : undefined;
    this.#calls = new Map<string, (query: URLSearchParams) => unknown>([
      ["/v2/currencyPairs", () => this.#pairs.rows()],
      ["/v2/tickers", (query) => this.#tickers(query)],
      ["/v2/trades", (query) => this.#trades(query)],
    ]);
  }

  /** Answers a request for `url`, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    try {
      const call = this.#calls.get(url.pathname);
      if (!call) throw new Refusal(404, "NOT_FOUND", `there are ${[...this.#calls.keys()].join(", ")}`);
      this.#count(request, response);
      reply(response, 200, { success: true, data: call(url.searchParams) });
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      const { status: code, message, description } = cause;
      reply(response, code, { success: false, error: { code, message, description } });
    }
  }

  /** A market was taken off the list. */
  delisted(code: string): void {
    this.#pairs.stop(code);
  }

  #count(request: IncomingMessage, response: ServerResponse): void {
    const { requests } = this.#settings;
    if (!this.#limiter || !requests) return;
    const { remaining, resetSeconds, exceeded } = this.#limiter.take(request.socket.remoteAddress ?? "");
    response.setHeader("Ratelimit", `limit=${requests.count}, remaining=${remaining}, reset=${resetSeconds}`);
    response.setHeader("Ratelimit-Policy", `${requests.count};w=${requests.withinMs / 1_000}`);
    if (!exceeded) return;
    response.setHeader("Retry-After", resetSeconds);
    throw new Refusal(429, "TOO_MANY_REQUESTS", `wait ${resetSeconds} s`);
  }

  /** Of the named symbols; unknown ones are left out silently. */
  #tickers(query: URLSearchParams) {
    const symbols = query.get("symbol")?.split(",");
    return this.#pairs.tickers().filter(({ symbol }) => symbols === undefined || symbols.includes(symbol));
  }

  #trades(query: URLSearchParams) {
    const symbol = query.get("symbol");
    if (!symbol) throw new Refusal(400, "BAD_REQUEST", "symbol is missing, such as symbol=btc_krw");
    const limit = query.get("limit") ?? "500";
    if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500)
      throw new Refusal(400, "BAD_REQUEST", `limit is 1 … 500, not ${limit}`);
    const code = this.#pairs.code(symbol);
    if (code === undefined)
      throw new Refusal(400, "INVALID_CURRENCY_PAIR", `no pair ${symbol}; they are lower case, such as btc_krw`);
    return this.#engine.history(code, Math.min(Number(limit), this.#settings.historyRows)).map(tradeRow);
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

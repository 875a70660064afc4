import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange, Speaker } from "../dialect.ts";
import { TradeIds } from "./ids.ts";
import { BinanceRest } from "./rest.ts";
import type { BinanceSettings } from "./settings.ts";
import { BinanceSockets } from "./sockets.ts";

/** Binance's market streams and REST on one server; both know a trade by the same ids. */
export class BinanceSpeaker extends BinanceSockets implements Speaker {
  readonly #rest: BinanceRest;

  constructor(exchange: Exchange, settings: BinanceSettings) {
    const ids = new TradeIds(exchange.engine.opened);
    super(exchange, settings, ids);
    this.#rest = new BinanceRest(exchange, settings, ids);
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.#rest.handle(request, response, url);
  }
}

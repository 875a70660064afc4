import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange, Speaker } from "../dialect.ts";
import { UpbitRest } from "./rest.ts";
import type { UpbitSettings } from "./settings.ts";
import { UpbitSockets } from "./sockets.ts";

/** Upbit's WebSocket and REST on one server. */
export class UpbitSpeaker extends UpbitSockets implements Speaker {
  readonly #rest: UpbitRest;

  constructor(exchange: Exchange, settings: UpbitSettings) {
    super(exchange, settings);
    this.#rest = new UpbitRest(exchange, settings);
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.#rest.handle(request, response, url);
  }
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange, Speaker } from "../dialect.ts";
import { BithumbRest } from "./rest.ts";
import type { BithumbSettings } from "./settings.ts";
import { BithumbSockets } from "./sockets.ts";

/** Bithumb's WebSocket and REST on one server. */
export class BithumbSpeaker extends BithumbSockets implements Speaker {
  readonly #rest: BithumbRest;

  constructor(exchange: Exchange, settings: BithumbSettings) {
    super(exchange, settings);
    this.#rest = new BithumbRest(exchange, settings);
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.#rest.handle(request, response, url);
  }
}

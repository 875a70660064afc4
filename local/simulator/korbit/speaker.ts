import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange, Speaker } from "../dialect.ts";
import { KorbitRest } from "./rest.ts";
import type { KorbitSettings } from "./settings.ts";
import { KorbitSockets } from "./sockets.ts";

/** Korbit's WebSocket and REST on one server. */
export class KorbitSpeaker extends KorbitSockets implements Speaker {
  readonly #rest: KorbitRest;

  constructor(exchange: Exchange, settings: KorbitSettings) {
    super(exchange, settings);
    this.#rest = new KorbitRest(exchange, settings);
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.#rest.handle(request, response, url);
  }

  /** Silence on the sockets, a stopped pair over REST; Korbit has no frame for it. */
  delisted(code: string): void {
    this.release(code);
    this.#rest.delisted(code);
  }
}

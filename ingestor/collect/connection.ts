/** One WebSocket to an exchange: subscribes, keeps it alive, and ends it when no data comes any more. */

import { randomUUID } from "node:crypto";
import WebSocket from "ws";
import type { Market } from "../../protocol/ingest.ts";
import type { Feed } from "../exchanges/exchange.ts";

export interface ConnectionHandlers {
  /** A frame, exactly as it came; `received` in ms. @returns whether it shows that the exchange has accepted us */
  frame(bytes: Buffer, received: number, connection: Connection): boolean;
}

/** Frames larger than this are no market data. */
const MAX_FRAME = 4 * 1024 * 1024;
const HANDSHAKE_TIMEOUT = 10_000;

export class Connection {
  /** Names the connection in the raw log. */
  readonly id: string = randomUUID();
  readonly #feed: Feed;
  readonly #socket: WebSocket;
  #pings: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<string>;
  /** Resolves with the first frame that is no refusal: who accepts a socket and says nothing has not accepted us. */
  readonly started: Promise<void>;

  constructor(url: string, feed: Feed, markets: readonly Market[], handlers: ConnectionHandlers) {
    this.#feed = feed;
    // No compression: it costs more time than the network does here.
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MAX_FRAME,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
    });
    let reason = "the exchange closed the connection";
    const end = Promise.withResolvers<string>();
    const start = Promise.withResolvers<void>();
    this.ended = end.promise;
    this.started = start.promise;
    this.#socket.on("open", () => {
      this.subscribe(markets);
      this.#pings = setInterval(() => this.#socket.ping(), feed.pingEvery);
      this.#watch();
    });
    this.#socket.on("message", (data) => {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
      this.#watch();
      if (handlers.frame(bytes, Date.now(), this)) start.resolve();
    });
    this.#socket.on("error", (error) => {
      reason = error.message;
    });
    this.#socket.on("close", (code) => {
      clearInterval(this.#pings);
      clearTimeout(this.#watchdog);
      start.reject(new Error(reason));
      end.resolve(code === 1006 ? reason : `${reason} (${code})`);
    });
    // Whoever waits for the end only must not be told of a start that never came as an unhandled error.
    this.started.catch(() => undefined);
  }

  /** Asks for these markets; on exchanges where a request replaces the one before it, for all of them again. */
  subscribe(markets: readonly Market[]): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (const frame of this.#feed.subscribe(markets)) this.#socket.send(frame);
  }

  /** Ends it at once: a peer that says nothing would not answer a close either. */
  end(): void {
    this.#socket.terminate();
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#socket.terminate(), this.#feed.silence);
  }
}

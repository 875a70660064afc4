/** One WebSocket to an exchange: subscribes within its limits, keeps it alive, and ends it when no data comes any more. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed, Parsed } from "../../exchanges/exchange.ts";
import type { Refusal } from "../limits/bans.ts";
import { RateLimiter } from "../limits/rate-limiter.ts";

export interface ConnectionHandlers {
  /** A frame, exactly as it came; `received` in ms. @returns what it turned out to be */
  frame(bytes: Buffer, received: number, connection: ExchangeConnection): Parsed;
  /** The exchange did not like a request; the connection is over. */
  refused?(message: string): void;
  /** The handshake was answered with something else than a WebSocket. */
  turnedAway?(refusal: Refusal): void;
}

/** Frames larger than this are no market data. */
const MAX_FRAME = 4 * 1024 * 1024;
const HANDSHAKE_TIMEOUT = 10_000;
/** An exchange that confirms requests does so within this time, ms. */
const ANSWER_PATIENCE = 10_000;
/** So many markets are never all silent; a few may be for a while. */
const MANY = 20;

export class ExchangeConnection {
  /** Names the connection in the raw log. */
  readonly id: string = randomUUID();
  readonly #feed: Feed;
  readonly #handlers: ConnectionHandlers;
  readonly #socket: WebSocket;
  readonly #rateLimiter: RateLimiter;
  /** What waits to be sent, in its order. */
  readonly #waiting: (() => void)[] = [];
  #sending: NodeJS.Timeout | undefined;
  /** Requests without their answer, by id. */
  readonly #unanswered = new Map<string, NodeJS.Timeout>();
  #markets: readonly Market[];
  #subscribed: readonly Market[] = [];
  #pings: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #reason: string | undefined;
  #ended = false;
  readonly #end = Promise.withResolvers<string>();
  readonly #start = Promise.withResolvers<void>();
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<string> = this.#end.promise;
  /** Resolves when everything asked for is confirmed: with the first frame where the exchange confirms nothing. */
  readonly started: Promise<void> = this.#start.promise;

  constructor(url: string, feed: Feed, markets: readonly Market[], handlers: ConnectionHandlers) {
    this.#feed = feed;
    this.#handlers = handlers;
    this.#markets = markets;
    this.#rateLimiter = new RateLimiter(feed.sends);
    // No compression: it costs more time than the network does here.
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MAX_FRAME,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
    });
    this.#socket.on("open", () => this.#onOpen());
    this.#socket.on("message", (data) => this.#onMessage(data));
    this.#socket.on("unexpected-response", (_, response) => this.#onTurnedAway(response));
    this.#socket.on("error", (error) => {
      this.#reason ??= error.message;
    });
    this.#socket.on("close", (code) => this.#onClose(code));
    // Whoever waits for the end only must not be told of a start that never came as an unhandled error.
    this.started.catch(() => undefined);
  }

  /** Asks for these markets instead of those it has. */
  subscribe(markets: readonly Market[]): void {
    this.#markets = markets;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (const { frame, id } of this.#feed.subscribe(markets, this.#subscribed)) this.#send(frame, id);
    this.#subscribed = markets;
    this.#watch();
  }

  /** Ends it at once: a silent peer would not answer a close either. */
  end(reason?: string): void {
    this.#reason ??= reason;
    this.#ended = true;
    this.#socket.terminate();
  }

  #onOpen(): void {
    this.subscribe(this.#markets);
    const { pingEvery } = this.#feed;
    if (pingEvery !== null) this.#pings = setInterval(() => this.#ping(), pingEvery);
    this.#watch();
  }

  #onTurnedAway({ statusCode: status = 0, headers }: IncomingMessage): void {
    const header = (name: string) => headers[name.toLowerCase()]?.toString() ?? null;
    this.#handlers.turnedAway?.({ status, header });
    this.end(`Unexpected server response: ${status}`);
  }

  #onMessage(data: WebSocket.RawData): void {
    // More may come with the frame that made us end it.
    if (this.#ended) return;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    const parsed = this.#handlers.frame(bytes, Date.now(), this);
    // A connection that brings less than it was asked for would be worse than none.
    if (parsed.kind === "refused") {
      this.end(`the exchange refused a request: ${parsed.message}`);
      this.#handlers.refused?.(parsed.message);
      return;
    }
    if (parsed.kind === "accepted") this.#onAnswer(parsed.request);
    if (parsed.kind === "events") this.#watch();
    if (this.#unanswered.size === 0 && this.#waiting.length === 0) this.#start.resolve();
  }

  #onAnswer(id: string): void {
    clearTimeout(this.#unanswered.get(id));
    this.#unanswered.delete(id);
  }

  #onClose(code: number): void {
    clearInterval(this.#pings);
    clearTimeout(this.#watchdog);
    for (const timer of [this.#sending, ...this.#unanswered.values()]) clearTimeout(timer);
    const reason = this.#reason ?? "the exchange closed the connection";
    this.#start.reject(new Error(reason));
    this.#end.resolve(code === 1006 ? reason : `${reason} (${code})`);
  }

  #send(frame: string, id: string | undefined): void {
    this.#whenAllowed(() => {
      this.#socket.send(frame);
      if (id === undefined) return;
      const late = () => this.end("the exchange did not confirm a request");
      this.#unanswered.set(id, setTimeout(late, ANSWER_PATIENCE));
    });
  }

  #ping(): void {
    this.#whenAllowed(() => this.#socket.ping());
  }

  #whenAllowed(send: () => void): void {
    this.#waiting.push(send);
    if (this.#waiting.length === 1) this.#sendNext();
  }

  /** One after the other: of two that wait, the later one must not overtake the earlier one. */
  #sendNext(): void {
    const wait = this.#waiting.length === 0 ? undefined : this.#rateLimiter.take(Date.now());
    if (wait === undefined) return;
    if (wait > 0) this.#sending = setTimeout(() => this.#sendFirst(), wait);
    else this.#sendFirst();
  }

  #sendFirst(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const [send] = this.#waiting;
    send?.();
    this.#waiting.shift();
    this.#sendNext();
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    const patience = this.#feed.silence * Math.max(1, MANY / Math.max(1, this.#markets.length));
    this.#watchdog = setTimeout(() => this.end("the exchange was silent for too long"), patience);
  }
}

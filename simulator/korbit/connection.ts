import type { RawData, WebSocket } from "ws";
import type { Client } from "../clients.ts";
import type { OutputGate } from "../gate.ts";
import { GatedSocket } from "../gated-socket.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import { keepAlive } from "./heartbeat.ts";
import {
  type Channel,
  errorFrame,
  type Failure,
  failFrame,
  INVALID_FORMAT,
  type Request,
  readRequests,
  type SubscribeRequest,
  successFrame,
} from "./request.ts";
import type { KorbitSettings } from "./settings.ts";

/** What a connection must know of the exchange. */
export interface MarketView {
  /** Whether a symbol is traded. */
  isLaunched(symbol: string): boolean;
  /** What a new subscription begins with; undefined for a type that nothing is sent for. */
  snapshot(type: Channel, symbol: string): string | undefined;
}

/** One client: its subscriptions, and the connection's own rules (requests, limits, pings). */
export class KorbitConnection extends GatedSocket implements Client {
  readonly #view: MarketView;
  readonly #limiter: SlidingWindowLimiter;
  readonly #subscribed: Record<Channel, Set<string>> = { ticker: new Set(), trade: new Set(), orderbook: new Set() };

  constructor(socket: WebSocket, gate: OutputGate, { messages, pingMs }: KorbitSettings, view: MarketView) {
    super(socket, gate, { binary: false });
    this.#view = view;
    this.#limiter = new SlidingWindowLimiter(messages);
    keepAlive(socket, pingMs);
    socket.on("message", (data) => this.#receive(data));
  }

  /** Whether live frames of this type and symbol go to this client. */
  wants(type: Channel, symbol: string): boolean {
    return this.#subscribed[type].has(symbol);
  }

  /** Sends an error frame and closes with code 1000. */
  fail(name: string, message: string): void {
    for (const symbols of Object.values(this.#subscribed)) symbols.clear();
    this.send(errorFrame(`${name}: ${message}`));
    this.socket.close(1000);
  }

  #receive(data: RawData): void {
    if (!this.isOpen) return;
    if (!this.#limiter.take()) {
      this.socket.close(1008, "too many messages");
      return;
    }
    const requests = readRequests(data.toString());
    if (!requests) this.send(INVALID_FORMAT);
    for (const request of requests ?? []) this.#answer(request);
  }

  #answer(request: Request): void {
    const failure = request.method === "refused" ? request : this.#failure(request);
    if (failure) this.send(failFrame(failure, request.requestId));
    else if (request.method !== "refused") this.#fulfil(request);
  }

  /** One bad symbol fails the whole request; what was subscribed to can be given up, whatever has become of it. */
  #failure({ method, type, symbols }: SubscribeRequest): Failure | undefined {
    const given = method === "unsubscribe" ? this.#subscribed[type] : undefined;
    const unknown = symbols.find((symbol) => !this.#view.isLaunched(symbol) && !given?.has(symbol));
    if (unknown === undefined) return undefined;
    return { code: "INVALID_SYMBOL", message: `The symbol does not exist (${unknown})` };
  }

  #fulfil({ method, type, symbols, requestId }: SubscribeRequest): void {
    const success = successFrame(requestId);
    if (success) this.send(success);
    for (const symbol of symbols) {
      if (method === "subscribe") this.#subscribe(type, symbol);
      else this.#subscribed[type].delete(symbol);
    }
  }

  #subscribe(type: Channel, symbol: string): void {
    this.#subscribed[type].add(symbol);
    const snapshot = this.#view.snapshot(type, symbol);
    if (snapshot) this.send(snapshot);
  }
}

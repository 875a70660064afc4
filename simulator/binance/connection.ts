import type { RawData, WebSocket } from "ws";
import type { Client } from "../clients.ts";
import type { OutputGate } from "../gate.ts";
import { GatedSocket } from "../gated-socket.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Format } from "./frames.ts";
import { Lifetime } from "./lifetime.ts";
import { errorFrame, type Request, type RequestId, readRequest } from "./request.ts";
import type { BinanceSettings } from "./settings.ts";

/** One client: its streams, and the connection's own rules (requests, limits, age). */
export class BinanceConnection extends GatedSocket implements Client {
  format: Format = "combined";
  readonly #maxStreams: number;
  readonly #limiter: SlidingWindowLimiter;
  readonly #lifetime: Lifetime;
  readonly #streams = new Set<string>();

  constructor(socket: WebSocket, gate: OutputGate, settings: BinanceSettings, streams: readonly string[]) {
    super(socket, gate, { binary: false });
    this.#maxStreams = settings.maxStreams;
    this.#limiter = new SlidingWindowLimiter(settings.messages);
    this.#lifetime = new Lifetime(socket, settings);
    // Pings and pongs count as messages too.
    for (const kind of ["ping", "pong"]) socket.on(kind, () => this.#admit());
    socket.on("message", (data) => this.#receive(data));
    this.#subscribe(streams);
  }

  /** Whether this client listens to a stream. */
  wants(stream: string): boolean {
    return this.#streams.has(stream);
  }

  /** Sends an error frame and closes; a name that is no code of Binance's goes before the message. */
  fail(name: string, message: string): void {
    if (/^-?\d+$/.test(name)) this.#end(Number(name), message);
    else this.#end(-1000, `${name}: ${message}`);
  }

  /** The server shuts down: the connection is closed when the grace period is over. */
  leave(): void {
    this.#lifetime.leave();
  }

  #receive(data: RawData): void {
    if (this.#admit()) this.#answer(readRequest(data.toString()));
  }

  #admit(): boolean {
    if (!this.isOpen) return false;
    if (this.#limiter.take()) return true;
    this.socket.close(1008, "Too many requests");
    return false;
  }

  #answer(request: Request): void {
    if (request.kind === "error") this.send(errorFrame(request.code, request.message, request.id));
    else if (request.kind !== "subscribe" || this.#subscribe(request.streams, request.id)) {
      this.send(JSON.stringify({ result: this.#carryOut(request), id: request.id }));
    }
  }

  #carryOut(request: Exclude<Request, { kind: "error" }>): string[] | boolean | null {
    if (request.kind === "list") return [...this.#streams];
    if (request.kind === "isCombined") return this.format === "combined";
    if (request.kind === "combine") this.format = request.combined ? "combined" : "raw";
    if (request.kind === "unsubscribe") for (const stream of request.streams) this.#streams.delete(stream);
    return null;
  }

  #subscribe(streams: readonly string[], id?: RequestId): boolean {
    for (const stream of streams) this.#streams.add(stream);
    if (this.#streams.size <= this.#maxStreams) return true;
    this.#end(2, `Invalid request: a connection can listen to at most ${this.#maxStreams} streams`, id);
    return false;
  }

  #end(code: number, message: string, id?: RequestId): void {
    this.#streams.clear();
    this.send(errorFrame(code, message, id));
    this.socket.close(1008, "Policy violation");
  }
}

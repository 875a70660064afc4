import type { RawData, WebSocket } from "ws";
import type { OutputGate } from "../gate.ts";
import { Limiter } from "../limiter.ts";
import type { StreamEvent } from "./event.ts";
import { Lifetime } from "./lifetime.ts";
import { errorFrame, type Request, type RequestId, readRequest } from "./request.ts";
import type { BinanceSettings } from "./settings.ts";

/** One client: its streams, and the connection's own rules (requests, limits, age). */
export class Connection {
  readonly #socket: WebSocket;
  readonly #gate: OutputGate;
  readonly #maxStreams: number;
  readonly #limiter: Limiter;
  readonly #lifetime: Lifetime;
  readonly #streams = new Set<string>();
  #combined = true;

  constructor(socket: WebSocket, gate: OutputGate, settings: BinanceSettings, streams: readonly string[]) {
    this.#socket = socket;
    this.#gate = gate;
    this.#maxStreams = settings.maxStreams;
    this.#limiter = new Limiter(settings.messages);
    this.#lifetime = new Lifetime(socket, settings);
    // Pings and pongs count as messages too.
    for (const kind of ["ping", "pong"]) socket.on(kind, () => this.#admit());
    socket.on("message", (data) => this.#receive(data));
    // ws closes the socket after a protocol error by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
    this.#subscribe(streams);
  }

  /** Whether this client listens to a stream. */
  wants(stream: string): boolean {
    return this.#streams.has(stream);
  }

  /** Sends an event in the form this client has chosen; `onSent` when it was handed to the socket. */
  send(event: StreamEvent, onSent?: () => void): void {
    this.#send(event.frame(this.#combined), onSent);
  }

  /** Sends an error frame and closes. */
  fail(code: number, message: string, id?: RequestId): void {
    this.#streams.clear();
    this.#send(Buffer.from(errorFrame(code, message, id)));
    this.#socket.close(1008, "Policy violation");
  }

  /** Tells that the server is about to go; who is still there when its time is over is closed. */
  leave(event: StreamEvent): void {
    this.send(event);
    this.#lifetime.leave();
  }

  /** Cuts the connection without a close frame. */
  cut(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData): void {
    if (this.#admit()) this.#answer(readRequest(data.toString()));
  }

  #admit(): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    if (this.#limiter.take()) return true;
    this.#socket.close(1008, "Too many requests");
    return false;
  }

  #answer(request: Request): void {
    if (request.kind === "error") this.#send(Buffer.from(errorFrame(request.code, request.message, request.id)));
    else if (request.kind !== "subscribe" || this.#subscribe(request.streams, request.id)) {
      this.#send(Buffer.from(JSON.stringify({ result: this.#carryOut(request), id: request.id })));
    }
  }

  #carryOut(request: Exclude<Request, { kind: "error" }>): string[] | boolean | null {
    if (request.kind === "list") return [...this.#streams];
    if (request.kind === "isCombined") return this.#combined;
    if (request.kind === "combine") this.#combined = request.combined;
    if (request.kind === "unsubscribe") for (const stream of request.streams) this.#streams.delete(stream);
    return null;
  }

  #subscribe(streams: readonly string[], id?: RequestId): boolean {
    for (const stream of streams) this.#streams.add(stream);
    if (this.#streams.size <= this.#maxStreams) return true;
    this.fail(2, `Invalid request: a connection can listen to at most ${this.#maxStreams} streams`, id);
    return false;
  }

  #send(frame: Buffer, onSent?: () => void): void {
    this.#gate.pass(() => {
      if (this.#socket.readyState !== this.#socket.OPEN) return false;
      this.#socket.send(frame, { binary: false });
      onSent?.();
      return true;
    });
  }
}

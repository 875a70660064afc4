import type { WebSocket } from "ws";
import type { OutputGate } from "../gate.ts";
import type { Format } from "./frames.ts";
import { type Request, readRequest, type Wish } from "./request.ts";
import type { BithumbSettings } from "./settings.ts";

type Subscription = Extract<Request, { kind: "subscribe" }>;

/** What a connection needs of the server that it belongs to. */
interface Surroundings {
  readonly gate: OutputGate;
  readonly settings: BithumbSettings;
  readonly onSubscribe: (connection: Connection, wishes: readonly Wish[]) => void;
}

/** One client: its subscription, and the connection's own rules (PING, errors, idleness). */
export class Connection {
  format: Format = "DEFAULT";
  readonly #socket: WebSocket;
  readonly #with: Surroundings;
  #live: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #status: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  readonly #idle: NodeJS.Timeout;

  constructor(socket: WebSocket, surroundings: Surroundings) {
    this.#socket = socket;
    this.#with = surroundings;
    this.#idle = setTimeout(() => this.cut(), surroundings.settings.idleMs);
    socket.on("message", (data) => this.#receive(data.toString()));
    socket.on("ping", () => this.#idle.refresh());
    socket.on("close", () => this.#stop());
    // ws closes the socket after a protocol error by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
  }

  /** Whether live frames of this type and market go to this client. */
  wants(type: string, code: string): boolean {
    return this.#live.get(type)?.has(code) ?? false;
  }

  /** Sends one frame through the gate, always as a binary message; `onSent` when it was handed to the socket. */
  send(frame: Buffer, onSent?: () => void): void {
    this.#with.gate.pass(() => {
      if (this.#socket.readyState !== this.#socket.OPEN) return false;
      this.#socket.send(frame, { binary: true });
      this.#idle.refresh();
      onSent?.();
      return true;
    });
  }

  /** Sends an error frame and closes with code 1000 soon after. */
  fail(name: string, message: string): void {
    this.#live = new Map();
    this.send(Buffer.from(JSON.stringify({ error: { name, message } })));
    this.#closing ??= setTimeout(() => this.#socket.close(1000), this.#with.settings.errorCloseMs);
  }

  /** Cuts the connection without a close frame. */
  cut(): void {
    this.#socket.terminate();
  }

  #receive(text: string): void {
    this.#idle.refresh();
    if (this.#closing) return;
    const request = readRequest(text);
    if (request.kind === "ping") this.#startStatus();
    else if (request.kind === "error") this.fail(request.name, request.message);
    else this.#subscribe(request);
  }

  /** A later subscription replaces the whole earlier one. */
  #subscribe({ format, wishes }: Subscription): void {
    const live = new Map<string, Set<string>>();
    for (const { type, codes, realtime } of wishes) {
      if (realtime) live.set(type, new Set([...(live.get(type) ?? []), ...codes]));
    }
    this.format = format;
    this.#live = live;
    this.#with.onSubscribe(this, wishes);
  }

  #startStatus(): void {
    if (this.#status) return;
    const up = Buffer.from(`{"status":"UP"}`);
    this.send(up);
    this.#status = setInterval(() => this.send(up), this.#with.settings.statusMs);
  }

  #stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#status);
    clearTimeout(this.#closing);
  }
}

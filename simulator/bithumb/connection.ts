import type { WebSocket } from "ws";
import { type ChannelRequest, liveCodes } from "../channel-request.ts";
import type { Client } from "../clients.ts";
import type { OutputGate } from "../gate.ts";
import { GatedSocket } from "../gated-socket.ts";
import type { Format } from "./frames.ts";
import { type Request, readRequest } from "./request.ts";
import type { BithumbSettings } from "./settings.ts";

type Subscription = Extract<Request, { kind: "subscribe" }>;

/** What a connection needs of the server that it belongs to. */
interface ConnectionContext {
  readonly gate: OutputGate;
  readonly settings: BithumbSettings;
  readonly onSubscribe: (connection: BithumbConnection, channels: readonly ChannelRequest[]) => void;
}

/** One client: its subscription, and the connection's own rules (PING, errors, idleness). */
export class BithumbConnection extends GatedSocket implements Client {
  format: Format = "DEFAULT";
  readonly #context: ConnectionContext;
  #live: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #status: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  readonly #idle: NodeJS.Timeout;

  constructor(socket: WebSocket, context: ConnectionContext) {
    super(socket, context.gate, { binary: true });
    this.#context = context;
    this.#idle = setTimeout(() => this.cut(), context.settings.idleMs);
    socket.on("message", (data) => this.#receive(data.toString()));
    socket.on("ping", () => this.#idle.refresh());
    socket.on("close", () => this.#stop());
  }

  /** Whether live frames of this type and market go to this client. */
  wants(type: string, code: string): boolean {
    return this.#live.get(type)?.has(code) ?? false;
  }

  /** What is sent keeps the connection from being idle. */
  override send(frame: string | Buffer, onSent?: () => void): void {
    super.send(frame, () => {
      this.#idle.refresh();
      onSent?.();
    });
  }

  /** Sends an error frame and closes with code 1000 soon after. */
  fail(name: string, message: string): void {
    this.#live = new Map();
    this.send(JSON.stringify({ error: { name, message } }));
    this.#closing ??= setTimeout(() => this.socket.close(1000), this.#context.settings.errorCloseMs);
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
  #subscribe({ format, channels }: Subscription): void {
    this.format = format;
    this.#live = liveCodes(channels);
    this.#context.onSubscribe(this, channels);
  }

  #startStatus(): void {
    if (this.#status) return;
    const up = `{"status":"UP"}`;
    this.send(up);
    this.#status = setInterval(() => this.send(up), this.#context.settings.statusMs);
  }

  #stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#status);
    clearTimeout(this.#closing);
  }
}

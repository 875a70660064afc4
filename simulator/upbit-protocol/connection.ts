import type { WebSocket } from "ws";
import type { Client } from "../clients.ts";
import type { OutputGate } from "../gate.ts";
import { GatedSocket } from "../gated-socket.ts";
import { type ChannelRequest, liveCodes } from "./channel-request.ts";

/** Times of a connection, ms. */
export interface ConnectionSettings {
  /** A connection with nothing received and nothing sent for so long is cut without a close frame. */
  readonly idleMs: number;
  /** Between two `{"status":"UP"}` once the client has sent `PING`. */
  readonly statusMs: number;
  /** From an error frame to the close with code 1000. */
  readonly errorCloseMs: number;
}

/** A client message, as all exchanges of this protocol read it. */
export type Request<F> =
  | { readonly kind: "ping" }
  | { readonly kind: "subscribe"; readonly format: F; readonly channels: readonly ChannelRequest[] }
  | { readonly kind: "error"; readonly name: string; readonly message: string };

/** What a connection needs of the server that it belongs to. */
export interface ConnectionContext<F, S extends ConnectionSettings> {
  readonly gate: OutputGate;
  readonly settings: S;
  readonly onSubscribe: (connection: UpbitProtocolConnection<F, S>, channels: readonly ChannelRequest[]) => void;
}

/** One client: its subscription, and the connection's own rules (PING, errors, idleness). @param F the formats of frames */
export abstract class UpbitProtocolConnection<F, S extends ConnectionSettings> extends GatedSocket implements Client {
  format: F;
  protected readonly settings: S;
  readonly #onSubscribe: ConnectionContext<F, S>["onSubscribe"];
  #live: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #status: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  readonly #idle: NodeJS.Timeout;

  constructor(socket: WebSocket, format: F, { gate, settings, onSubscribe }: ConnectionContext<F, S>) {
    super(socket, gate, { binary: true });
    this.format = format;
    this.settings = settings;
    this.#onSubscribe = onSubscribe;
    this.#idle = setTimeout(() => this.cut(), settings.idleMs);
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
    this.#closing ??= setTimeout(() => this.socket.close(1000), this.settings.errorCloseMs);
  }

  /** Reads one client message; undefined when it has been dealt with. */
  protected abstract read(text: string): Request<F> | undefined;

  #receive(text: string): void {
    this.#idle.refresh();
    if (this.#closing) return;
    const request = this.read(text);
    if (request?.kind === "ping") this.#startStatus();
    else if (request?.kind === "error") this.fail(request.name, request.message);
    else if (request) this.#subscribe(request.format, request.channels);
  }

  /** A later subscription replaces the whole earlier one. */
  #subscribe(format: F, channels: readonly ChannelRequest[]): void {
    this.format = format;
    this.#live = liveCodes(channels);
    this.#onSubscribe(this, channels);
  }

  #startStatus(): void {
    if (this.#status) return;
    const up = `{"status":"UP"}`;
    this.send(up);
    this.#status = setInterval(() => this.send(up), this.settings.statusMs);
  }

  #stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#status);
    clearTimeout(this.#closing);
  }
}

import type { RawData, WebSocket } from "ws";
import { type ChannelRequest, liveCodes } from "../channel-request.ts";
import type { Client } from "../clients.ts";
import type { OutputGate } from "../gate.ts";
import { GatedSocket } from "../gated-socket.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Format } from "./frames.ts";
import { type Request, readRequest } from "./request.ts";
import type { UpbitSettings } from "./settings.ts";

type Subscription = Extract<Request, { kind: "subscribe" }>;

/** One client: its subscription, and the connection's own rules (PING, errors, message limits, idleness). */
export class UpbitConnection extends GatedSocket implements Client {
  format: Format = "DEFAULT";
  readonly #settings: UpbitSettings;
  readonly #limiter: SlidingWindowLimiter;
  readonly #onSubscribe: (connection: UpbitConnection, channels: readonly ChannelRequest[]) => void;
  #channels: readonly ChannelRequest[] = [];
  #live: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #status: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  #activeAt = performance.now();
  readonly #idle: NodeJS.Timeout;

  constructor(
    socket: WebSocket,
    gate: OutputGate,
    settings: UpbitSettings,
    onSubscribe: (connection: UpbitConnection, channels: readonly ChannelRequest[]) => void,
  ) {
    super(socket, gate, { binary: true });
    this.#settings = settings;
    this.#onSubscribe = onSubscribe;
    this.#limiter = new SlidingWindowLimiter(settings.messages);
    this.#idle = setInterval(() => this.#cutWhenIdle(), Math.max(5, Math.min(1_000, settings.idleMs / 10)));
    socket.on("message", (data) => this.#receive(data));
    socket.on("ping", () => this.#touch());
    socket.on("close", () => this.#stop());
  }

  /** Whether live frames of this type and market go to this client. */
  wants(type: string, code: string): boolean {
    return this.#live.get(type)?.has(code) ?? false;
  }

  /** What is sent keeps the connection from being idle. */
  override send(frame: string | Buffer, onSent?: () => void): void {
    super.send(frame, () => {
      this.#touch();
      onSent?.();
    });
  }

  /** Sends an error frame and closes with code 1000 soon after, as Upbit does. */
  fail(name: string, message: string): void {
    this.#live = new Map();
    this.send(JSON.stringify({ error: { name, message } }));
    this.#closing ??= setTimeout(() => this.socket.close(1000), this.#settings.errorCloseMs);
  }

  #receive(data: RawData): void {
    this.#touch();
    if (this.#closing) return;
    // What Upbit does to a client over the limit is not documented; a policy close is the plainest refusal.
    if (!this.#limiter.take()) {
      this.socket.close(1008, "too many messages");
      return;
    }
    const request = readRequest(data.toString());
    if (request.kind === "ping") this.#startStatus();
    else if (request.kind === "list") this.#answerList(request.ticket);
    else if (request.kind === "error") this.fail(request.name, request.message);
    else this.#subscribe(request);
  }

  #subscribe({ format, channels }: Subscription): void {
    this.format = format;
    this.#channels = channels;
    this.#live = liveCodes(channels);
    this.#onSubscribe(this, channels);
  }

  #answerList(ticket: string): void {
    const result = this.#channels.map(({ type, codes }) => ({ type, codes }));
    this.send(JSON.stringify({ method: "LIST_SUBSCRIPTIONS", result, ticket }));
  }

  #startStatus(): void {
    if (this.#status) return;
    const up = `{"status":"UP"}`;
    this.send(up);
    this.#status = setInterval(() => this.send(up), this.#settings.statusMs);
  }

  #cutWhenIdle(): void {
    if (performance.now() - this.#activeAt >= this.#settings.idleMs) this.cut();
  }

  #touch(): void {
    this.#activeAt = performance.now();
  }

  #stop(): void {
    clearInterval(this.#idle);
    clearInterval(this.#status);
    clearTimeout(this.#closing);
  }
}

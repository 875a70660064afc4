import type { WebSocket } from "ws";
import type { BinanceSettings } from "./settings.ts";

/** What ends a connection without a fault of its client: pings that it does not answer, old age, a server that leaves. */
export class Lifetime {
  readonly #socket: WebSocket;
  readonly #settings: BinanceSettings;
  readonly #pings: NodeJS.Timeout;
  readonly #age: NodeJS.Timeout;
  readonly #unanswered = new Set<string>();
  #deadline: NodeJS.Timeout | undefined;
  #leaving: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, settings: BinanceSettings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#pings = setInterval(() => this.#ping(), settings.pingMs);
    this.#age = setTimeout(() => socket.close(1000, "24 hours are over"), settings.lifeMs);
    socket.on("pong", (payload) => this.#hear(payload.toString()));
    socket.on("close", () => this.#stop());
  }

  /** Closes the connection when the server's time to leave is over. */
  leave(): void {
    this.#leaving ??= setTimeout(() => this.#socket.close(1001, "server shutdown"), this.#settings.leaveMs);
  }

  #ping(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const payload = `${Date.now()}`;
    this.#unanswered.add(payload);
    this.#socket.ping(payload);
    this.#deadline ??= setTimeout(() => this.#socket.close(1008, "Pong timeout"), this.#settings.pongMs);
  }

  /** An unsolicited pong does not count. */
  #hear(payload: string): void {
    if (!this.#unanswered.has(payload)) return;
    this.#unanswered.clear();
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #stop(): void {
    clearInterval(this.#pings);
    for (const timer of [this.#age, this.#deadline, this.#leaving]) clearTimeout(timer);
  }
}

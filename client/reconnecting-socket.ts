/** A WebSocket that reconnects as the close code asks, pings, and is abandoned when the peer is silent. */

import { PING_TEXT } from "../protocol/ping.ts";
import type { SocketLike } from "./handlers.ts";
import { pauseAfter } from "./pause.ts";

export interface SocketSettings {
  /** `ws://localhost:8787/v1/stream/upbit/BTC-KRW` */
  readonly url: string;
  /** Makes a socket; by default the global WebSocket (browsers, Node 22). */
  readonly dial?: (url: string) => SocketLike;
  /** Between two pings, ms; 30,000 by default. A server that is silent after two of them is taken for dead. */
  readonly pingEvery?: number;
  /** The longest pause before reconnecting, ms; 10,000 by default. */
  readonly maxPause?: number;
}

export interface SocketEvents {
  onOpen(): void;
  onText(text: string): void;
  /** The next attempt is in `retryIn` ms; null: there is none. */
  onClose(code: number, reason: string, retryIn: number | null): void;
}

const OPEN = 1;
/** Pings without a sign of life after which the server is taken for dead. */
const MAX_UNANSWERED_PINGS = 2;
/** How long a server may take to accept a socket, ms. */
const CONNECT_TIMEOUT = 20_000;

export class ReconnectingSocket {
  readonly #settings: SocketSettings;
  readonly #events: SocketEvents;
  readonly #maxPause: number;
  /** They go with the socket. */
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** Undefined between two sockets, and after the last. */
  #socket: SocketLike | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  #unanswered = 0;
  #openedAt = Number.POSITIVE_INFINITY;
  #attempts = 0;

  constructor(settings: SocketSettings, events: SocketEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#maxPause = settings.maxPause ?? 10_000;
    this.#dial();
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === OPEN;
  }

  /** What is sent while there is no open socket is lost. */
  send(text: string): void {
    if (this.isOpen) this.#socket?.send(text);
  }

  /** Calls once after `delay` ms, unless the socket has gone by then. */
  later(delay: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delay);
    this.#timers.add(timer);
  }

  /** Abandons the socket without waiting for the peer, which may be gone, and reconnects. @param retryIn ms */
  drop(reason: string, retryIn?: number): void {
    const socket = this.#socket;
    this.#onClose(4000, reason, retryIn);
    socket?.close(4000, reason);
  }

  /** For good: no event comes any more, and nothing keeps the process alive. */
  end(): void {
    const socket = this.#socket;
    this.#letGo();
    socket?.close(1000, "client closes");
  }

  #dial(): void {
    const { url, dial = (address) => new WebSocket(address) as SocketLike } = this.#settings;
    const socket = dial(url);
    this.#socket = socket;
    this.later(CONNECT_TIMEOUT, () => {
      if (!this.isOpen) this.drop("no answer");
    });
    // Events of an abandoned socket are ignored.
    const ifCurrent = (act: () => void) => {
      if (this.#socket === socket) act();
    };
    socket.onopen = () => ifCurrent(() => this.#onOpen());
    socket.onmessage = ({ data }) =>
      ifCurrent(() => {
        // Whatever comes is a sign of life.
        this.#unanswered = 0;
        this.#events.onText(String(data));
      });
    socket.onclose = ({ code, reason }) => ifCurrent(() => this.#onClose(code, reason));
    // What matters of an error is the close that follows it; without a listener Node would take it for a crash.
    socket.onerror = () => undefined;
  }

  #onOpen(): void {
    this.#unanswered = 0;
    this.#openedAt = Date.now();
    this.#pings = setInterval(() => this.#ping(), this.#settings.pingEvery ?? 30_000);
    this.#events.onOpen();
  }

  #ping(): void {
    if (this.#unanswered >= MAX_UNANSWERED_PINGS) {
      this.drop("no pong");
      return;
    }
    this.#unanswered += 1;
    this.send(PING_TEXT);
  }

  #onClose(code: number, reason: string, given?: number): void {
    // A connection that has held for a while begins counting anew; one that is closed again and again does not.
    if (Date.now() - this.#openedAt > this.#maxPause) this.#attempts = 0;
    const retryIn = given ?? pauseAfter(code, this.#attempts, this.#maxPause);
    this.#attempts += 1;
    this.#letGo();
    if (retryIn !== null) this.later(retryIn, () => this.#dial());
    this.#events.onClose(code, reason, retryIn);
  }

  /** Nothing of the socket and its timers is left. */
  #letGo(): void {
    this.#socket = undefined;
    this.#openedAt = Number.POSITIVE_INFINITY;
    clearInterval(this.#pings);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

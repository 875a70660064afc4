/** Keeps one publisher socket open: dials, dials again with full jitter, and never too many at once. */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type WebSocket from "ws";
import { type Logger, reasonOf } from "../logger.ts";
import { KEEPALIVE, type Keepalive, keepAlive } from "./keepalive.ts";
import type { Semaphore } from "./semaphore.ts";

/** A socket that was accepted only to be refused, or replaced, is not dialled again sooner than this, ms. */
const MIN_LIFE = 1000;
/** ... nor, however often it was refused, later than this. */
const MAX_PAUSE = 30_000;

export interface SocketHandlers {
  readonly open: (socket: WebSocket) => void;
  readonly message: (text: string) => void;
  readonly closed: () => void;
  /** Waits until dialling again makes sense: after being replaced, until the group has confirmed that we are still in charge. */
  readonly mayDial: () => Promise<void>;
}

export class ReconnectingSocket {
  readonly #dial: () => WebSocket;
  readonly #semaphore: Semaphore;
  readonly #handlers: SocketHandlers;
  readonly #logger: Logger;
  readonly #keepalive: Keepalive;
  #socket: WebSocket | undefined;
  #closed = false;
  /** Refusals since the edge last said anything else. */
  #refusals = 0;
  #refusedSince: number | undefined;

  constructor(
    dial: () => WebSocket,
    semaphore: Semaphore,
    handlers: SocketHandlers,
    logger: Logger,
    keepalive = KEEPALIVE,
  ) {
    this.#dial = dial;
    this.#semaphore = semaphore;
    this.#handlers = handlers;
    this.#logger = logger;
    this.#keepalive = keepalive;
    void this.#run();
  }

  /** Since when (ms) the edge has done nothing but refuse; undefined while it does not. */
  get refusedSince(): number | undefined {
    return this.#refusedSince;
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close(1000);
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#handlers.mayDial();
      const link = await this.#connect();
      const since = Date.now();
      await link?.ended;
      this.#socket = undefined;
      this.#handlers.closed();
      const left = Math.min(MAX_PAUSE, MIN_LIFE * 2 ** Math.max(0, this.#refusals - 1)) - (Date.now() - since);
      if (left > 0 && !this.#closed) await sleep(left * (1 + Math.random()));
    }
  }

  /** Comes back with a promise of the socket's end, once it is open. */
  async #connect(): Promise<{ ended: Promise<void> } | undefined> {
    try {
      return await backOff(() => this.#semaphore.run(() => this.#open()), {
        jitter: "full",
        startingDelay: 200,
        maxDelay: 5000,
        numOfAttempts: Number.POSITIVE_INFINITY,
        retry: () => !this.#closed,
      });
    } catch (error) {
      if (this.#closed) return undefined;
      throw error;
    }
  }

  /** What the edge says is no reason to fall: a message that can't be understood costs its own socket. */
  #onMessage(socket: WebSocket, text: string): void {
    if (text.startsWith('{"op":"error"')) {
      this.#refusals += 1;
      this.#refusedSince ??= Date.now();
      this.#logger.info({ answer: text.slice(0, 300) }, "the edge refused a publisher");
      return;
    }
    this.#refusals = 0;
    this.#refusedSince = undefined;
    try {
      this.#handlers.message(text);
    } catch (error) {
      this.#logger.warn(
        { reason: reasonOf(error), message: text.slice(0, 300) },
        "the edge said what we don't understand",
      );
      socket.terminate();
    }
  }

  #open(): Promise<{ ended: Promise<void> }> {
    if (this.#closed) return Promise.reject(new Error("closed"));
    return new Promise((resolve, reject) => {
      const socket = this.#dial();
      this.#socket = socket;
      let failure = new Error("closed");
      const ended = new Promise<void>((over) => {
        socket.on("close", () => {
          over();
          reject(failure);
        });
      });
      socket.on("error", (error) => {
        failure = error;
      });
      socket.on("message", (data) => this.#onMessage(socket, String(data)));
      socket.on("open", () => {
        keepAlive(socket, this.#keepalive, () => this.#logger.info("a publisher socket is silent: dialling again"));
        this.#handlers.open(socket);
        // Wrapped: a promise that resolves with a promise would wait for the socket's end.
        resolve({ ended });
      });
    });
  }
}

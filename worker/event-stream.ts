/**
 * Server-sent events, PROTOCOL.md §6: a relay's socket as the body of an HTTP response. The Worker holds it, since a response
 * that streams would keep the relay's object from ever being let go of; the relay frames the events, so that here text is only
 * copied.
 */

import { answerClose } from "../durable-objects/sockets.ts";
import { KEEP_ALIVE, retryAfter } from "../protocol/server-sent-events.ts";

export interface StreamLimits {
  /** Between two comments, ms. */
  readonly keepAlive: number;
  /** Up to when a connection is ended in any case, at the latest; ms. A deploy would wait for it. */
  readonly lifetime: number;
  /** Bytes that may wait for the reader. */
  readonly queue: number;
  /** Bytes of which a reader that keeps up takes all within `patience`. */
  readonly behind: number;
  /** ms. */
  readonly patience: number;
  /** After how long at least, ms, a reader comes back that has lost the connection. */
  readonly retry: number;
}

type Timer = ReturnType<typeof setTimeout>;

const SLOW = "the reader takes less than it is sent";
/** What waits is held in the memory of the Worker, 128 MB for all requests of an isolate. */
const LIMITS: StreamLimits = {
  keepAlive: 15_000,
  lifetime: 30 * 60_000,
  queue: 8_388_608,
  behind: 1_048_576,
  patience: 10_000,
  retry: 2000,
};

/**
 * The events that come over the socket, until it closes, the reader goes or stalls, or its time is over.
 *
 * @param socket to a relay, not yet accepted
 * @param first events before those of the relay
 */
export function eventStream(socket: WebSocket, first = "", limits = LIMITS): ReadableStream<Uint8Array> {
  const source = new SocketSource(socket, first, limits);
  return new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: limits.queue }));
}

class SocketSource implements UnderlyingSource<Uint8Array> {
  readonly #socket: WebSocket;
  readonly #first: string;
  readonly #limits: StreamLimits;
  readonly #encoder = new TextEncoder();
  #timers: { readonly keepAlive: Timer; readonly lifetime: Timer } | undefined;
  /** Nothing more will come. */
  #ended = false;
  /** Since when more than `behind` has waited, ms. */
  #behindSince: number | undefined;

  constructor(socket: WebSocket, first: string, limits: StreamLimits) {
    this.#socket = socket;
    this.#first = first;
    this.#limits = limits;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { keepAlive, lifetime, retry } = this.#limits;
    this.#timers = {
      keepAlive: setInterval(() => this.#copy(controller, KEEP_ALIVE), keepAlive),
      lifetime: setTimeout(() => this.#end(controller), lifetime * (1 - Math.random() / 4)),
    };
    // Readers that lose their connections together do not come back together.
    this.#copy(controller, retryAfter(retry * (1 + Math.random())) + this.#first);
    this.#socket.addEventListener("message", ({ data }) => this.#copy(controller, String(data)));
    this.#socket.addEventListener("close", ({ code }) => this.#end(controller, code));
    this.#socket.addEventListener("error", () => this.#end(controller, 1011));
    this.#socket.accept();
  }

  /** The reader has taken something. The runtime can't give up what waits in a stream that was closed: so it is closed last. */
  pull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#ended && this.#queued(controller) === 0) controller.close();
  }

  /** The reader has gone. */
  cancel(): void {
    this.#release(1001);
  }

  #copy(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
    if (this.#timers === undefined) return;
    controller.enqueue(this.#encoder.encode(text));
    if (this.#keepsUp(this.#queued(controller), Date.now())) return;
    this.#release(1001);
    // What waits is given up, and the connection is cut: the reader comes back with the last id that it has read.
    controller.error(new Error(SLOW));
  }

  /** Bytes that wait for the reader. */
  #queued({ desiredSize }: ReadableStreamDefaultController<Uint8Array>): number {
    return this.#limits.queue - (desiredSize ?? this.#limits.queue);
  }

  /** @param queued bytes that wait. @param now ms */
  #keepsUp(queued: number, now: number): boolean {
    if (queued < this.#limits.behind) this.#behindSince = undefined;
    else this.#behindSince ??= now;
    return queued < this.#limits.queue && now - (this.#behindSince ?? now) <= this.#limits.patience;
  }

  /** What was sent ends between two events; the relay has said why, where there is a reason. */
  #end(controller: ReadableStreamDefaultController<Uint8Array>, code = 1000): void {
    if (this.#timers === undefined) return;
    this.#release(code);
    this.#ended = true;
    if (this.#queued(controller) === 0) controller.close();
    // What a reader does not take any more would be held as long as its connection is.
    else setTimeout(() => controller.error(new Error(SLOW)), this.#limits.patience);
  }

  #release(code: number): void {
    if (this.#timers === undefined) return;
    clearInterval(this.#timers.keepAlive);
    clearTimeout(this.#timers.lifetime);
    this.#timers = undefined;
    answerClose(this.#socket, code);
  }
}

/**
 * One WebSocket to one instrument's feed, kept open: it reconnects as the close code asks, resumes every stream from the last
 * item seen, checks each item against the one before it, and asks again when something is missing.
 */

import { afterClose } from "../protocol/errors.ts";
import {
  type DataItem,
  PING_TEXT,
  type RequestId,
  type ServerFrame,
  type SubscribedStream,
  serverFrame,
  type WantedStream,
} from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";
import { Continuity } from "./continuity.ts";

/** The part of the standard WebSocket that is used here; browsers and `ws` both have it. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** What became of a stream after (re)subscribing. */
export type Resumption = Pick<SubscribedStream, "recovered" | "reason">;

/** What a subscriber may want to know. Every callback is optional but `onItem`. */
export interface StreamHandlers {
  /** Each item once, in order, snapshots and gaps included. */
  onItem(item: DataItem): void;
  /** The stream goes on. `recovered` false: what came in between is not available any more, see `reason`. */
  onSubscribed?(subscribed: SubscribedStream): void;
  /** The server will not serve this stream; it is not asked for again unless the error is retryable. */
  onError?(error: { code: string; message: string; retryable: boolean }): void;
}

export interface ConnectionHandlers {
  onStatus?(status: Extract<ServerFrame, { op: "status" }>): void;
  /** The connection is open, or has gone and will be dialled again after `retryIn` ms (null: it will not). */
  onOpen?(): void;
  onClose?(event: { code: number; reason: string; retryIn: number | null }): void;
  onError?(error: { code: string; message: string; retryable: boolean }): void;
}

export interface ConnectionOptions extends ConnectionHandlers {
  /** `ws://localhost:8787/v1/stream/upbit/BTC-KRW` */
  readonly url: string;
  /** Makes a socket; by default the global WebSocket. */
  readonly dial?: (url: string) => SocketLike;
  /** Between two pings, ms; 30,000 by default. A server that answers none is taken for dead. */
  readonly pingEvery?: number;
  /** The longest pause before dialling again, ms; 10,000 by default. */
  readonly maxPause?: number;
}

interface Subscription {
  readonly stream: string;
  readonly handlers: StreamHandlers;
  readonly continuity: Continuity;
  /** Asked for, and not answered yet: items of an older subscription are passed over. */
  waiting: boolean;
}

const OPEN = 1;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  #socket: SocketLike | undefined;
  #attempts = 0;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #pings: ReturnType<typeof setInterval> | undefined;
  #unanswered = 0;
  #closed = false;
  #requests = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#dial();
  }

  /** @param stream canonical, with its rate; `from`: the position to resume from */
  subscribe(stream: string, handlers: StreamHandlers, from?: Position): void {
    const subscription = { stream, handlers, continuity: new Continuity(from), waiting: true };
    this.#subscriptions.set(stream, subscription);
    this.#ask([subscription]);
  }

  unsubscribe(stream: string): void {
    if (this.#subscriptions.delete(stream)) this.#send({ op: "unsubscribe", streams: [stream] });
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** The last item seen of a stream: enough to resume it anywhere. */
  position(stream: string): Position | undefined {
    return this.#subscriptions.get(stream)?.continuity.position;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    clearInterval(this.#pings);
    this.#socket?.close(1000, "client closes");
  }

  #dial(): void {
    const { url, dial = (address) => new WebSocket(address) as SocketLike } = this.#options;
    const socket = dial(url);
    this.#socket = socket;
    socket.onopen = () => this.#onOpen();
    socket.onmessage = ({ data }) => this.#onMessage(String(data));
    socket.onclose = (event) => this.#onClose(event);
    // What matters of an error is the close that follows it.
    socket.onerror = () => this.#unanswered;
  }

  #onOpen(): void {
    this.#unanswered = 0;
    this.#pings = setInterval(() => this.#ping(), this.#options.pingEvery ?? 30_000);
    this.#options.onOpen?.();
    this.#ask([...this.#subscriptions.values()]);
  }

  #ping(): void {
    this.#unanswered += 1;
    if (this.#unanswered > 2) this.#socket?.close(4000, "no pong");
    else if (this.#socket?.readyState === OPEN) this.#socket.send(PING_TEXT);
  }

  #onClose({ code, reason }: { code: number; reason: string }): void {
    clearInterval(this.#pings);
    if (this.#closed) return;
    const stop = afterClose(code) === "stop";
    const retryIn = stop ? null : this.#pause(code);
    this.#options.onClose?.({ code, reason, retryIn });
    if (retryIn !== null) this.#later(retryIn, () => this.#dial());
  }

  /** Full jitter: thousands of clients that were dropped together must not come back together. */
  #pause(code: number): number {
    const least = afterClose(code) === "back_off" ? 1000 : 0;
    const ceiling = Math.min(this.#options.maxPause ?? 10_000, 200 * 2 ** this.#attempts);
    this.#attempts += 1;
    return Math.round(least + Math.random() * ceiling);
  }

  #onMessage(text: string): void {
    const parsed = serverFrame.safeParse(JSON.parse(text));
    // Ops that we do not know are for newer clients.
    if (!parsed.success) return;
    const frame = parsed.data;
    switch (frame.op) {
      case "data":
        for (const item of frame.data) this.#onItem(item);
        break;
      case "subscribed":
        this.#attempts = 0;
        for (const subscribed of frame.streams) this.#onSubscribed(subscribed);
        for (const { requested, error } of frame.failed) this.#onFailed(requested, error);
        break;
      case "status":
        this.#options.onStatus?.(frame);
        break;
      case "probe":
        this.#send({ op: "ack", id: frame.id });
        break;
      case "pong":
        this.#unanswered = 0;
        break;
      case "reconnect":
        this.#later(Math.random() * frame.within, () => this.#socket?.close(4000, "asked to"));
        break;
      case "error":
        this.#options.onError?.(frame);
        break;
    }
  }

  #onItem(item: DataItem): void {
    const subscription = this.#subscriptions.get(item.stream);
    if (subscription === undefined || subscription.waiting) return;
    const verdict = subscription.continuity.judge(item);
    if (verdict === "deliver") subscription.handlers.onItem(item);
    else if (verdict === "missing") this.#ask([subscription]);
  }

  #onSubscribed(subscribed: SubscribedStream): void {
    const subscription = this.#subscriptions.get(subscribed.stream);
    if (subscription === undefined) return;
    subscription.waiting = false;
    const { epoch, seq, recovered } = subscribed;
    if (recovered !== true && epoch !== undefined) subscription.continuity.restart({ epoch, seq });
    subscription.handlers.onSubscribed?.(subscribed);
  }

  #onFailed(stream: string, error: { code: string; message: string; retryable: boolean }): void {
    const subscription = this.#subscriptions.get(stream);
    if (subscription === undefined) return;
    if (error.retryable) this.#later(500 + Math.random() * 500, () => this.#ask([subscription]));
    else this.#subscriptions.delete(stream);
    subscription.handlers.onError?.(error);
  }

  #ask(subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0 || this.#socket?.readyState !== OPEN) return;
    this.#requests += 1;
    const streams = subscriptions.map((subscription): WantedStream => {
      subscription.waiting = true;
      const { stream, continuity } = subscription;
      return continuity.position === undefined ? stream : { stream, ...continuity.position };
    });
    this.#send({ op: "subscribe", id: this.#requests, streams });
  }

  #later(delay: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delay);
    this.#timers.add(timer);
  }

  #send(
    frame:
      | { op: "subscribe"; id: RequestId; streams: WantedStream[] }
      | { op: "unsubscribe"; streams: string[] }
      | { op: "ack"; id: number },
  ): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(frame));
  }
}

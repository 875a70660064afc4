/**
 * The streams of one instrument over one WebSocket: subscribed on every (re)connect from the last item seen, each item checked
 * against the one before it, and asked for again when something is missing.
 */

import type { ClientFrame, DataItem, FailedStream, SubscribedStream, WantedStream } from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";
import { finalError, obey } from "./connection-frames.ts";
import type { ClientError, ConnectionHandlers, StreamHandlers } from "./handlers.ts";
import { readServerFrame, type UnreadableItem } from "./read-frame.ts";
import { ReconnectingSocket, type SocketSettings } from "./reconnecting-socket.ts";
import { Subscription } from "./subscription.ts";

export interface FeedConnectionOptions extends ConnectionHandlers, SocketSettings {
  /** The last subscription has gone, by our wish or the server's; nothing more will come of this connection. */
  onUnused?(): void;
}

export class FeedConnection {
  readonly #options: FeedConnectionOptions;
  readonly #socket: ReconnectingSocket;
  readonly #subscriptions = new Map<string, Subscription>();
  #requests = 0;
  /** What the server said last of the connection as a whole: why it closes it. */
  #lastError: ClientError | undefined;

  constructor(options: FeedConnectionOptions) {
    this.#options = options;
    this.#socket = new ReconnectingSocket(options, {
      onOpen: () => this.#onOpen(),
      onText: (text) => this.#onText(text),
      onClose: (code, reason, retryIn) => this.#onClose(code, reason, retryIn),
    });
  }

  /**
   * Replaces what was subscribed of the same stream.
   *
   * @param stream of this connection's instrument
   * @param from the position to resume from
   */
  subscribe(stream: string, handlers: StreamHandlers, from?: Position): Subscription {
    const subscription = new Subscription(stream, handlers, from);
    const replaced = this.#subscriptions.get(subscription.stream);
    if (replaced !== undefined) replaced.state = "unsubscribed";
    this.#subscriptions.set(subscription.stream, subscription);
    this.#ask([subscription]);
    replaced?.handlers.onReplaced?.();
    return subscription;
  }

  /** Nothing is delivered until {@link resume}, which goes on after the last item that was. */
  pause(subscription: Subscription): void {
    if (!this.#has(subscription)) return;
    subscription.state = "paused";
    subscription.request = undefined;
    this.#send({ op: "unsubscribe", streams: [subscription.stream] });
  }

  resume(subscription: Subscription): void {
    if (subscription.state !== "paused") return;
    subscription.state = "subscribing";
    this.#ask([subscription]);
  }

  /** Does nothing when the subscription has been replaced or has ended. */
  unsubscribe(subscription: Subscription): void {
    if (!this.#has(subscription)) return;
    this.#send({ op: "unsubscribe", streams: [subscription.stream] });
    this.#forget(subscription);
  }

  /** For good: nothing is called any more, and nothing keeps the process alive. */
  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.state = "unsubscribed";
    this.#subscriptions.clear();
    this.#socket.end();
  }

  #onOpen(): void {
    this.#lastError = undefined;
    this.#ask([...this.#subscriptions.values()].filter(({ state }) => state !== "paused"));
    this.#options.onOpen?.();
  }

  #onClose(code: number, reason: string, retryIn: number | null): void {
    const interrupted = [...this.#subscriptions.values()];
    for (const subscription of interrupted) {
      if (subscription.state !== "paused") subscription.state = "subscribing";
      subscription.request = undefined;
    }
    if (retryIn === null) {
      const error = finalError(code, reason, this.#lastError);
      for (const subscription of interrupted) this.#forget(subscription);
      for (const { handlers } of interrupted) handlers.onError?.(error);
    }
    this.#options.onClose?.({ code, reason, retryIn });
  }

  #onText(text: string): void {
    const frame = readServerFrame(text);
    if (obey(frame, this.#socket, this.#options)) return;
    switch (frame.op) {
      case "data":
        for (const item of frame.data) this.#onItem(item);
        break;
      case "partly":
        for (const item of frame.items) {
          if ("problem" in item) this.#onUnreadable(item);
          else this.#onItem(item);
        }
        break;
      case "subscribed":
        for (const one of frame.streams) if (!("matches" in one)) this.#onSubscribed(one, frame.id);
        for (const failed of frame.failed) this.#onFailed(failed, frame.id);
        break;
      case "error":
        this.#onError(frame);
        break;
      case "unreadable":
        this.#options.onError?.({ code: "bad_frame", message: frame.problem, retryable: true });
        break;
    }
  }

  #onItem(item: DataItem): void {
    const subscription = this.#flowing(item.stream);
    if (subscription !== undefined && this.#judge(subscription, item)) subscription.handlers.onItem(item);
  }

  /** Asked for again it would come again as it is: the stream goes on without it, but not silently. */
  #onUnreadable({ at, problem }: UnreadableItem): void {
    const subscription = at === undefined ? undefined : this.#flowing(at.stream);
    if (at !== undefined && (subscription === undefined || !this.#judge(subscription, at))) return;
    const what = at === undefined ? "an item" : `item ${at.seq} of ${at.stream}`;
    const message = `${what} could not be read: ${problem}`;
    this.#options.onError?.({ code: "bad_frame", message, retryable: at === undefined });
  }

  #flowing(stream: string): Subscription | undefined {
    const subscription = this.#subscriptions.get(stream);
    return subscription?.state === "subscribed" ? subscription : undefined;
  }

  /** Whether to deliver the item; where something is missing before it, the stream is asked for again. */
  #judge(subscription: Subscription, item: Pick<DataItem, "epoch" | "prev" | "seq" | "snapshot">): boolean {
    const action = subscription.continuity.judge(item);
    if (action === "deliver") subscription.misses = 0;
    if (action === "resume") {
      subscription.misses += 1;
      this.#askAgain(subscription, subscription.misses === 1);
    }
    return action === "deliver";
  }

  #onSubscribed(subscribed: SubscribedStream, id: unknown): void {
    const subscription = this.#subscriptions.get(subscribed.stream);
    // A `subscribed` that crossed our `unsubscribe`: the server would go on sending a stream without a subscriber.
    if (subscription === undefined) this.#send({ op: "unsubscribe", streams: [subscribed.stream] });
    if (subscription?.request === undefined || subscription.request !== id) return;
    subscription.request = undefined;
    subscription.state = "subscribed";
    subscription.continuity.answered(subscribed);
    subscription.handlers.onSubscribed?.(subscribed);
  }

  #onFailed({ requested, error }: FailedStream, id: unknown): void {
    const subscription = this.#subscriptions.get(requested);
    if (subscription?.request !== undefined && subscription.request === id) this.#fail(subscription, error);
  }

  /** An error with the `id` of a request answers all of it. */
  #onError({ id, code, message, retryable }: ClientError & { id?: unknown }): void {
    const error = { code, message, retryable };
    const asked = [...this.#subscriptions.values()].filter(({ request }) => request !== undefined && request === id);
    for (const subscription of asked) this.#fail(subscription, error);
    if (asked.length > 0) return;
    this.#lastError = error;
    this.#options.onError?.(error);
  }

  #fail(subscription: Subscription, error: ClientError): void {
    if (error.retryable) this.#askAgain(subscription, false);
    else this.#forget(subscription);
    subscription.handlers.onError?.(error);
  }

  /** @param atOnce or a little later, lest a server that can't help is asked without pause */
  #askAgain(subscription: Subscription, atOnce: boolean): void {
    subscription.state = "subscribing";
    subscription.request = undefined;
    if (atOnce) {
      this.#ask([subscription]);
      return;
    }
    this.#socket.later(500 + Math.random() * 500, () => {
      if (!this.#has(subscription) || subscription.state !== "subscribing") return;
      if (subscription.request === undefined) this.#ask([subscription]);
    });
  }

  #ask(subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0 || !this.#socket.isOpen) return;
    this.#requests += 1;
    const streams = subscriptions.map((subscription): WantedStream => {
      subscription.request = this.#requests;
      const { stream, position } = subscription;
      return position === undefined ? stream : { stream, ...position };
    });
    this.#send({ op: "subscribe", id: this.#requests, streams });
  }

  #has(subscription: Subscription): boolean {
    return this.#subscriptions.get(subscription.stream) === subscription;
  }

  #forget(subscription: Subscription): void {
    subscription.state = "unsubscribed";
    this.#subscriptions.delete(subscription.stream);
    if (this.#subscriptions.size === 0) this.#options.onUnused?.();
  }

  #send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}

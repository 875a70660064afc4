/**
 * Many streams over one WebSocket, `GET /v1/stream`, by name and by wildcard: subscribed on every (re)connect from where each
 * of them is, and connected anew as soon as an item shows that something is missing before it.
 */

import type { FailedStream } from "../protocol/frames.ts";
import { parseInstrument } from "../protocol/instrument.ts";
import { MULTI_LIMITS } from "../protocol/limits.ts";
import { covers, isPattern, parsePattern } from "../protocol/pattern.ts";
import type { Positions } from "../protocol/positions.ts";
import { finalError, obey } from "./connection-frames.ts";
import type { FeedConnectionOptions } from "./feed-connection.ts";
import type { ServerSays } from "./frame-shapes.ts";
import type { ClientError, StreamHandlers } from "./handlers.ts";
import { ItemDelivery } from "./item-delivery.ts";
import type { ResumeFrom } from "./progress.ts";
import { type Incoming, readServerFrame } from "./read-frame.ts";
import { ReconnectingSocket } from "./reconnecting-socket.ts";
import { StreamSubscription } from "./stream-subscription.ts";
import { SubscribeRequests } from "./subscribe-requests.ts";
import { Subscribers } from "./subscribers.ts";

type Says<Op extends ServerSays["op"]> = Extract<ServerSays, { op: Op }>;

export class StreamConnection {
  readonly #options: FeedConnectionOptions;
  readonly #socket: ReconnectingSocket;
  readonly #requests: SubscribeRequests;
  readonly #subscribers = new Subscribers();
  /** One for each socket. */
  #delivery: ItemDelivery;
  /** What the server said last of the connection as a whole: why it closes it. */
  #lastError: ClientError | undefined;

  constructor(options: FeedConnectionOptions) {
    this.#options = options;
    this.#delivery = this.#newDelivery();
    this.#socket = new ReconnectingSocket(options, {
      onOpen: () => this.#onOpen(),
      onText: (text) => this.#onFrame(readServerFrame(text)),
      onClose: (code, reason, retryIn) => this.#onClose(code, reason, retryIn),
    });
    this.#requests = new SubscribeRequests(this.#socket);
  }

  /** Whether a subscription to this stream or wildcard, canonical, fits, or is here. */
  canTake(name: string): boolean {
    if (this.has(name)) return true;
    const isWildcard = isPattern(name);
    const limit = isWildcard ? MULTI_LIMITS.wildcards : MULTI_LIMITS.streams;
    return this.#subscribers.count(isWildcard) < limit;
  }

  /** Whether the stream or wildcard, canonical, is subscribed here. */
  has(name: string): boolean {
    return this.#subscribers.get(name) !== undefined;
  }

  /**
   * Replaces what was subscribed under the same name.
   *
   * @throws {ProtocolError} when the name is malformed
   */
  subscribe(name: string, handlers: StreamHandlers, from?: ResumeFrom): StreamSubscription {
    const subscription = new StreamSubscription(name, handlers, from);
    const replaced = this.#subscribers.put(subscription);
    this.#requests.ask(subscription);
    if (replaced !== undefined) {
      this.#stop(replaced, "unsubscribed");
      replaced.handlers.onReplaced?.();
    }
    return subscription;
  }

  /** Does nothing when the subscription has been replaced or has ended. */
  unsubscribe(subscription: StreamSubscription): void {
    if (!this.#subscribers.has(subscription)) return;
    this.#requests.giveUp(subscription.stream);
    this.#forget(subscription);
  }

  /** Nothing is delivered until {@link resume}, which goes on behind what was. */
  pause(subscription: StreamSubscription): void {
    if (!this.#subscribers.has(subscription)) return;
    this.#stop(subscription, "paused");
    this.#requests.giveUp(subscription.stream);
  }

  resume(subscription: StreamSubscription): void {
    if (subscription.state === "paused") this.#requests.ask(subscription);
  }

  /** From where the subscription can be resumed anywhere: up to these everything of it has come. */
  positionsOf(subscription: StreamSubscription): Positions {
    this.#tell(subscription);
    return subscription.progress.positions;
  }

  /** For good: nothing is called any more, and nothing keeps the process alive. */
  close(): void {
    for (const one of this.#subscribers.all) this.#stop(one, "unsubscribed");
    this.#delivery.end();
    this.#subscribers.clear();
    this.#socket.end();
  }

  #onOpen(): void {
    this.#lastError = undefined;
    this.#requests.opened(this.#subscribers.all);
    this.#options.onOpen?.();
  }

  #onClose(code: number, reason: string, retryIn: number | null): void {
    const interrupted = this.#subscribers.all;
    for (const one of interrupted) this.#stop(one, one.state === "paused" ? "paused" : "subscribing");
    this.#delivery.end();
    this.#delivery = this.#newDelivery();
    this.#requests.closed();
    if (retryIn === null) {
      const error = finalError(code, reason, this.#lastError);
      for (const one of interrupted) this.#forget(one);
      for (const { handlers } of interrupted) handlers.onError?.(error);
    }
    this.#options.onClose?.({ code, reason, retryIn });
  }

  #newDelivery(): ItemDelivery {
    const delivery: ItemDelivery = new ItemDelivery(this.#subscribers, {
      onBroken: (error) => {
        this.#options.onError?.(error);
        // Unless it has been closed by whoever was told.
        if (this.#delivery === delivery && this.#subscribers.size > 0) this.#socket.drop(error.code);
      },
      onSkipped: (error) => this.#options.onError?.(error),
    });
    return delivery;
  }

  #onFrame(frame: Incoming): void {
    if (obey(frame, this.#socket, this.#options)) return;
    switch (frame.op) {
      case "data":
        this.#delivery.take(frame.data, frame.positions ?? {});
        break;
      case "partly":
        this.#delivery.take(frame.items, frame.positions);
        break;
      case "subscribed":
        this.#onSubscribed(frame);
        break;
      case "ended":
        this.#onEnded(frame);
        break;
      case "error":
        this.#onError(frame);
        break;
      case "unreadable":
        if (frame.data) this.#delivery.broken("bad_frame", frame.problem);
        else this.#options.onError?.({ code: "bad_frame", message: frame.problem, retryable: true });
        break;
    }
  }

  #onSubscribed({ id, streams, failed, positions = {} }: Says<"subscribed">): void {
    const request = this.#requests.answered(id);
    // The answer may lower what is told, but these have what was told before.
    for (const one of this.#subscribers.all) this.#tell(one);
    this.#delivery.tell(positions);
    for (const answer of streams) this.#onAnswer(answer, request?.id, new Map(Object.entries(positions)));
    for (const one of failed) this.#onFailed(one, request?.id);
  }

  #onAnswer(answer: Says<"subscribed">["streams"][number], request: number | undefined, told: Positions): void {
    const subscription = this.#subscribers.get(answer.stream);
    // It crossed our `unsubscribe`: the server would go on sending a stream without a subscriber.
    if (subscription === undefined || subscription.state === "paused") this.#requests.giveUp(answer.stream);
    if (subscription?.request === undefined || subscription.request !== request) return;
    subscription.request = undefined;
    subscription.state = "subscribed";
    const begun = subscription.progress.begin(answer, told);
    subscription.handlers.onSubscribed?.(begun);
  }

  #onFailed({ requested, error }: FailedStream, request: number | undefined): void {
    const subscription = this.#subscribers.get(requested);
    if (subscription?.request !== undefined && subscription.request === request) this.#fail(subscription, error);
  }

  #onEnded({ instruments, error }: Says<"ended">): void {
    for (const one of this.#subscribers.all) {
      if (one.isWildcard) {
        const pattern = parsePattern(one.stream);
        const gone = instruments.filter((name) => covers(pattern, parseInstrument(name)));
        if (gone.length > 0) one.handlers.onEnded?.(gone);
      } else if (instruments.some((name) => one.stream.startsWith(`${name}@`))) this.#fail(one, error);
    }
  }

  /** An error with the `id` of a request answers all of it. */
  #onError({ id, code, message, retryable }: Says<"error">): void {
    const error = { code, message, retryable };
    const request = this.#requests.answered(id);
    for (const one of request?.subscriptions ?? []) if (one.request === request?.id) this.#fail(one, error);
    if (request !== undefined) return;
    this.#lastError = error;
    this.#options.onError?.(error);
  }

  #fail(subscription: StreamSubscription, error: ClientError): void {
    if (error.retryable) {
      this.#stop(subscription, "subscribing");
      // A little later, lest a server that can't help is asked without pause.
      this.#socket.later(500 + Math.random() * 500, () => {
        if (subscription.state === "subscribing" && subscription.request === undefined)
          this.#requests.ask(subscription);
      });
    } else this.#forget(subscription);
    subscription.handlers.onError?.(error);
  }

  /** No more items for it, at least for now; it keeps how far it has come. */
  #stop(subscription: StreamSubscription, state: "subscribing" | "paused" | "unsubscribed"): void {
    this.#tell(subscription);
    subscription.state = state;
    subscription.request = undefined;
  }

  /** What is told holds for whoever gets items. */
  #tell({ state, progress }: StreamSubscription): void {
    if (state === "subscribed") progress.tell(this.#delivery.told);
  }

  #forget(subscription: StreamSubscription): void {
    this.#stop(subscription, "unsubscribed");
    this.#subscribers.delete(subscription);
    if (this.#subscribers.size === 0) this.#options.onUnused?.();
  }
}

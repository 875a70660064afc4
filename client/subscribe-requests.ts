/** What is asked of a connection of many streams, gathered into few messages: more than ten a second would close it. */

import type { WantedStream } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { MultiClientFrame } from "../protocol/multi-stream-frames.ts";
import type { ReconnectingSocket } from "./reconnecting-socket.ts";
import type { StreamSubscription } from "./stream-subscription.ts";

/** Between two rounds of requests, ms. */
const PERIOD = 300;

/** One `subscribe`. */
export interface SubscribeRequest {
  readonly id: number;
  readonly subscriptions: readonly StreamSubscription[];
}

export class SubscribeRequests {
  readonly #socket: Pick<ReconnectingSocket, "isOpen" | "later" | "send">;
  /** What is to be asked for and given up in the next round. */
  readonly #wanted = new Set<StreamSubscription>();
  readonly #unwanted = new Set<string>();
  readonly #unanswered = new Map<number, SubscribeRequest>();
  #ids = 0;
  #isScheduled = false;
  #sentAt = 0;

  constructor(socket: Pick<ReconnectingSocket, "isOpen" | "later" | "send">) {
    this.#socket = socket;
  }

  /** Asks for it in the next round, unless it is not wanted any more by then. Without an open socket, nothing happens. */
  ask(subscription: StreamSubscription): void {
    subscription.state = "subscribing";
    this.#wanted.add(subscription);
    this.#schedule();
  }

  giveUp(name: string): void {
    this.#unwanted.add(name);
    this.#schedule();
  }

  /** The socket is open: asks for these at once. */
  opened(subscriptions: readonly StreamSubscription[]): void {
    this.#unwanted.clear();
    for (const one of subscriptions) this.#wanted.add(one);
    this.#send();
  }

  /** The socket is lost, and with it every answer. */
  closed(): void {
    this.#unanswered.clear();
    this.#wanted.clear();
    this.#unwanted.clear();
    this.#isScheduled = false;
  }

  /** The request that an answer is for, which waits for none any more then. */
  answered(id: unknown): SubscribeRequest | undefined {
    if (typeof id !== "number") return undefined;
    const request = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    return request;
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#socket.isOpen) return;
    this.#isScheduled = true;
    this.#socket.later(Math.max(0, this.#sentAt + PERIOD - Date.now()), () => this.#send());
  }

  #send(): void {
    this.#isScheduled = false;
    this.#sentAt = Date.now();
    const wanted = [...this.#wanted].filter(({ state }) => state === "subscribing");
    const unwanted = [...this.#unwanted];
    this.#wanted.clear();
    this.#unwanted.clear();
    if (unwanted.length > 0) this.#sendFrame({ op: "unsubscribe", streams: unwanted });
    for (const group of groupsOf(wanted)) this.#request(group);
  }

  #request(subscriptions: readonly StreamSubscription[]): void {
    this.#ids += 1;
    const id = this.#ids;
    const from = Object.fromEntries(subscriptions[0]?.progress.positions ?? []);
    for (const one of subscriptions) one.request = id;
    this.#unanswered.set(id, { id, subscriptions });
    const streams = subscriptions.map(wantedOf);
    this.#sendFrame({ op: "subscribe", id, streams, ...(Object.keys(from).length === 0 ? {} : { from }) });
  }

  #sendFrame(frame: MultiClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}

function wantedOf({ stream, progress: { own } }: StreamSubscription): WantedStream {
  return own === undefined ? stream : { stream, ...own };
}

/** Those that resume from the same positions are one request, as long as it may be: it names them once, for all of its streams. */
function groupsOf(subscriptions: readonly StreamSubscription[]): StreamSubscription[][] {
  const groups = new Map<string, StreamSubscription[]>();
  for (const one of subscriptions) {
    const key = JSON.stringify([...one.progress.positions].sort());
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const size = LIMITS.streams;
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / size) }, (_, i) => group.slice(i * size, (i + 1) * size)),
  );
}

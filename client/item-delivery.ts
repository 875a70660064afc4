/**
 * Hands the items of one connection of many streams to the subscriptions that they are for, as long as nothing is missing.
 * It lives as long as its socket: what it has seen and been told says nothing of the next one.
 */

import type { DataItem } from "../protocol/frames.ts";
import type { Positions } from "../protocol/positions.ts";
import type { Place } from "./frame-shapes.ts";
import type { ClientError } from "./handlers.ts";
import type { UnreadableItem } from "./read-frame.ts";
import type { StreamSubscription } from "./stream-subscription.ts";
import type { Subscribers } from "./subscribers.ts";

export interface DeliveryEvents {
  /** Nothing more can be taken from this socket: it has to be connected anew, and resumed. */
  onBroken(error: ClientError): void;
  /** One item is skipped for good. */
  onSkipped(error: ClientError): void;
}

export class ItemDelivery {
  readonly #subscribers: Subscribers;
  readonly #events: DeliveryEvents;
  readonly #told = new Map<string, number>();
  #isOver = false;

  constructor(subscribers: Subscribers, events: DeliveryEvents) {
    this.#subscribers = subscribers;
    this.#events = events;
  }

  /** The last positions told. */
  get told(): Positions {
    return this.#told;
  }

  /** The socket is given up; the rest of a frame that is being taken is not delivered. */
  end(): void {
    this.#isOver = true;
  }

  /** Takes the items of a frame, and behind them the positions that came with it. */
  take(items: readonly (DataItem | UnreadableItem)[], positions: Readonly<Record<string, number>>): void {
    for (const item of items) {
      if ("problem" in item) this.#onUnreadable(item);
      else this.#onItem(item);
      if (this.#isOver) return;
    }
    this.tell(positions);
  }

  /** What an answer to a subscribe says: these hold with the new streams. */
  tell(positions: Readonly<Record<string, number>>): void {
    for (const [epoch, seq] of Object.entries(positions)) this.#told.set(epoch, seq);
  }

  /** Frames that can't be read may have held items: the next positions would vouch for them. */
  broken(code: string, message: string): void {
    this.end();
    this.#events.onBroken({ code, message, retryable: true });
  }

  #onItem(item: DataItem): void {
    for (const { progress, handlers } of this.#receivers(item)) {
      const news = progress.take(item);
      if (news !== undefined) handlers.onItem(news);
    }
  }

  /** Asked for again it would come again as it is: its stream goes on without it, but not silently. */
  #onUnreadable({ at, problem }: UnreadableItem): void {
    if (at === undefined) {
      this.broken("bad_frame", `an item could not be read: ${problem}`);
      return;
    }
    const receivers = [...this.#receivers(at)];
    if (receivers.filter(({ progress }) => progress.pass(at)).length === 0) return;
    const message = `item ${at.seq} of ${at.stream} could not be read: ${problem}`;
    this.#events.onSkipped({ code: "bad_frame", message, retryable: false });
  }

  /** The subscriptions that an item is for; none where something is missing before it. */
  *#receivers(at: Place): Iterable<StreamSubscription> {
    const flowing = this.#subscribers.of(at.stream).filter(({ state }) => state === "subscribed");
    if (flowing.some(({ progress }) => progress.lacks(at, this.#told.get(at.epoch)))) {
      this.broken("missing_items", `something is missing before item ${at.seq} of ${at.stream}`);
      return;
    }
    // Whoever is called may end any of them.
    for (const one of flowing) if (one.state === "subscribed") yield one;
  }
}

/** The subscriptions of a connection of many streams, and whose an item is: overlapping ones all get it, though it comes once. */

import { ProtocolError } from "../protocol/errors.ts";
import { patternsOf } from "../protocol/pattern.ts";
import { parseStream } from "../protocol/stream.ts";
import type { StreamSubscription } from "./stream-subscription.ts";

/** Of how many streams the subscribers are remembered. */
const MAX_CACHED = 20_000;

export class Subscribers {
  readonly #byName = new Map<string, StreamSubscription>();
  /** An exchange has hundreds of streams, and each item would be looked up under eight names. */
  #cache = new Map<string, readonly StreamSubscription[]>();

  get all(): StreamSubscription[] {
    return [...this.#byName.values()];
  }

  get size(): number {
    return this.#byName.size;
  }

  /** How many there are of a kind that a connection may only have so many of. */
  count(isWildcard: boolean): number {
    return this.all.filter((one) => one.isWildcard === isWildcard).length;
  }

  get(name: string): StreamSubscription | undefined {
    return this.#byName.get(name);
  }

  has(subscription: StreamSubscription): boolean {
    return this.#byName.get(subscription.stream) === subscription;
  }

  /** @returns the one that it takes the place of */
  put(subscription: StreamSubscription): StreamSubscription | undefined {
    const replaced = this.#byName.get(subscription.stream);
    this.#byName.set(subscription.stream, subscription);
    this.#cache.clear();
    return replaced;
  }

  delete(subscription: StreamSubscription): void {
    this.#byName.delete(subscription.stream);
    this.#cache.clear();
  }

  clear(): void {
    this.#byName.clear();
    this.#cache.clear();
  }

  /** @param stream of an item, always an instrument's own */
  of(stream: string): readonly StreamSubscription[] {
    const cached = this.#cache.get(stream);
    if (cached !== undefined) return cached;
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    const found = namesOf(stream).flatMap((name) => this.#byName.get(name) ?? []);
    this.#cache.set(stream, found);
    return found;
  }
}

function namesOf(stream: string): readonly string[] {
  try {
    return patternsOf(parseStream(stream));
  } catch (error) {
    // A stream of a kind that only newer clients know: nobody here has subscribed to it.
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

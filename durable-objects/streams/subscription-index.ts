/**
 * Who listens to what, found without looking through everybody: an event costs the same however many clients there are.
 * It is a copy in memory; what survives hibernation is each socket's attachment.
 */

const NOBODY: ReadonlySet<never> = new Set();

export class SubscriptionIndex<Key extends string, Listener extends object = WebSocket> {
  readonly #listeners = new Map<Key, Set<Listener>>();

  /** The keys that anyone listens to, in the order they were first asked for. */
  get keys(): Iterable<Key> {
    return this.#listeners.keys();
  }

  /** How many listen to something, each counted for every key. */
  get size(): number {
    let size = 0;
    for (const listeners of this.#listeners.values()) size += listeners.size;
    return size;
  }

  has(key: Key): boolean {
    return this.#listeners.has(key);
  }

  /** Everyone who listens to `key`, in the order they came. */
  listeners(key: Key): ReadonlySet<Listener> {
    return this.#listeners.get(key) ?? NOBODY;
  }

  add(key: Key, listener: Listener): void {
    const listeners = this.#listeners.get(key);
    if (listeners === undefined) this.#listeners.set(key, new Set([listener]));
    else listeners.add(listener);
  }

  /** Nothing happens where the listener was not there. */
  remove(key: Key, listener: Listener): void {
    const listeners = this.#listeners.get(key);
    if (listeners?.delete(listener) && listeners.size === 0) this.#listeners.delete(key);
  }
}

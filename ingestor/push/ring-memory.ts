/**
 * Bounds what the rings of this process hold together, whatever the number of exchanges. Where it is too much, the ring that
 * reaches back furthest gives way, so all of them reach back equally far: a busy exchange shortens the minute of all.
 */

interface Evicting {
  /** When the log took the oldest event that it holds, ms; undefined when it holds none. */
  readonly oldest: number | undefined;
  /** Lets go of the oldest events. */
  drop(count: number): void;
}

/** Events let go of at once. */
const DROPPED = 64;

export class RingMemory {
  readonly #limit: number;
  readonly #rings = new Set<Evicting>();
  #bytes = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** In use, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(ring: Evicting): void {
    this.#rings.add(ring);
  }

  remove(ring: Evicting): void {
    this.#rings.delete(ring);
  }

  /** Bytes were added or, below 0, let go. */
  count(change: number): void {
    this.#bytes += change;
    while (change > 0 && this.#bytes > this.#limit) {
      const furthest = this.#furthest();
      if (furthest === undefined) return;
      furthest.drop(DROPPED);
    }
  }

  #furthest(): Evicting | undefined {
    let furthest: Evicting | undefined;
    for (const ring of this.#rings) {
      if (ring.oldest !== undefined && ring.oldest < (furthest?.oldest ?? Number.POSITIVE_INFINITY)) furthest = ring;
    }
    return furthest;
  }
}

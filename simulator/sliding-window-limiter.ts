/** So many events within so many ms. */
export interface Limit {
  readonly count: number;
  readonly withinMs: number;
}

/** Counts events per key (an IP, a connection) in a sliding window; no limits, no refusals. */
export class SlidingWindowLimiter {
  readonly #limits: readonly Limit[];
  readonly #now: () => number;
  readonly #events = new Map<string, number[]>();

  constructor(limits: readonly Limit[], now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Counts one event unless it would break a limit; answers whether it was allowed. */
  take(key = ""): boolean {
    if (this.#limits.length === 0) return true;
    const now = this.#now();
    const longest = Math.max(...this.#limits.map(({ withinMs }) => withinMs));
    const recent = (this.#events.get(key) ?? []).filter((at) => now - at < longest);
    const full = this.#limits.some(({ count, withinMs }) => recent.filter((at) => now - at < withinMs).length >= count);
    if (!full) recent.push(now);
    this.#events.set(key, recent);
    return !full;
  }
}

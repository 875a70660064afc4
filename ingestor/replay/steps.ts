/** Several logs read side by side: which of them are so far ahead that they must wait, so that little has to be held. */

export class Steps<K> {
  readonly #clocks: Map<K, number>;
  readonly #lead: number;

  /** @param lead how far, ms of log time, one may be ahead of the one that is furthest behind */
  constructor(logs: Iterable<K>, lead: number) {
    this.#clocks = new Map([...logs].map((log) => [log, Number.NEGATIVE_INFINITY]));
    this.#lead = lead;
  }

  /** One has been read up to a log time (ms). */
  advance(log: K, time: number): void {
    const before = this.#clocks.get(log);
    if (before !== undefined) this.#clocks.set(log, Math.max(before, time));
  }

  /** One has been read to its end. */
  finish(log: K): void {
    this.#clocks.delete(log);
  }

  /** Those that have not been read to their end. */
  get open(): readonly K[] {
    return [...this.#clocks.keys()];
  }

  /** Up to which log time (ms) all have been read; infinite when all are at their ends. */
  get reached(): number {
    return Math.min(...this.#clocks.values());
  }

  mustWait(log: K): boolean {
    return (this.#clocks.get(log) ?? Number.POSITIVE_INFINITY) > this.reached + this.#lead;
  }
}

/**
 * Whose history is asked for next. The busiest first, since they leave a short history first; what has failed comes behind the
 * rest, so that a market whose history never answers keeps no other waiting.
 */

/** What waits to be asked for. */
export interface Waiting {
  readonly instrument: string;
  /** Not to be asked for before this, ms. */
  readonly due: number;
  /** How busy it is. */
  readonly trades: number;
}

/** How many are asked for at once, and how many of them may have failed before. */
const WORKERS = 4;
const RETRYING = 3;
/** Between two rounds of one that fails, and of all when nobody is answered, ms: the longer the more often it was so. */
const FIRST_PAUSE = 500;
const MAX_PAUSE = 30_000;

interface Failed {
  readonly times: number;
  /** Not to be asked for before this, ms. */
  readonly until: number;
}

export class BackfillQueue {
  readonly #failed = new Map<string, Failed>();
  readonly #running = new Set<string>();
  /** Who has failed since the last success: where it is many, the exchange itself is away. */
  readonly #streak = new Set<string>();
  #quietUntil = 0;

  /** Takes what is to be asked for now; undefined when nothing is. It runs until it has succeeded or failed. */
  take(waiting: Iterable<Waiting>, now: number): string | undefined {
    if (this.#running.size >= WORKERS || now < this.#quietUntil) return undefined;
    const retrying = [...this.#running].filter((instrument) => this.#failed.has(instrument)).length;
    let best: Waiting | undefined;
    for (const one of waiting) {
      if (this.#running.has(one.instrument) || this.#dueAt(one) > now) continue;
      if (retrying >= RETRYING && this.#failed.has(one.instrument)) continue;
      if (best === undefined || this.#isBefore(one, best)) best = one;
    }
    if (best !== undefined) this.#running.add(best.instrument);
    return best?.instrument;
  }

  /** How long until there is something to take that there is not now, ms; undefined when no time brings it. */
  wait(waiting: Iterable<Waiting>, now: number): number | undefined {
    if (this.#running.size >= WORKERS) return undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (const one of waiting) {
      const at = Math.max(this.#dueAt(one), this.#quietUntil);
      if (at > now && !this.#running.has(one.instrument)) soonest = Math.min(soonest, at);
    }
    return soonest === Number.POSITIVE_INFINITY ? undefined : soonest - now;
  }

  succeeded(instrument: string): void {
    this.#running.delete(instrument);
    this.#failed.delete(instrument);
    this.#streak.clear();
    this.#quietUntil = 0;
  }

  failed(instrument: string, now: number): void {
    this.#running.delete(instrument);
    const times = (this.#failed.get(instrument)?.times ?? 0) + 1;
    this.#failed.set(instrument, { times, until: now + pauseAfter(times) });
    this.#streak.add(instrument);
    const rounds = Math.floor(this.#streak.size / WORKERS);
    if (rounds > 0) this.#quietUntil = now + pauseAfter(rounds);
  }

  #dueAt({ instrument, due }: Waiting): number {
    return Math.max(due, this.#failed.get(instrument)?.until ?? 0);
  }

  #isBefore(one: Waiting, other: Waiting): boolean {
    const [times, otherTimes] = [one, other].map(({ instrument }) => this.#failed.get(instrument)?.times ?? 0);
    return times === otherTimes ? one.trades > other.trades : (times ?? 0) < (otherTimes ?? 0);
  }
}

/** Half of it is chance, so that those that failed together don't come back together. */
function pauseAfter(times: number): number {
  return Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** (times - 1)) * (0.5 + Math.random() / 2);
}

/**
 * Requests that can't be answered yet: the feed is behind what it had broadcast before it slept, behind the position that
 * a client names, or has just asked the pusher for what an idle feed has not been sent yet.
 *
 * The one timer in a feed: it is short, bounded, and only there while somebody waits. While it is pending the runtime
 * can't hibernate the object, so waiting requests may live in memory.
 */

interface Waiting {
  readonly deadline: number;
  /** Whether the time has come. */
  readonly isReady: () => boolean;
  /** Called once; `inTime` is false when the deadline came first. */
  readonly answer: (inTime: boolean) => void;
}

export class PendingRequests {
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Answers at once where possible, else as soon as {@link settle} finds it ready, else after `patience` ms. */
  enter(isReady: () => boolean, patience: number, answer: (inTime: boolean) => void): void {
    if (isReady()) {
      answer(true);
      return;
    }
    this.#waiting.push({ deadline: Date.now() + patience, isReady, answer });
    this.#arm();
  }

  /**
   * Looks again at everyone who waits, in the order they came.
   *
   * @throws what the first answer that failed threw, after everyone else has had theirs
   */
  settle(): void {
    const now = Date.now();
    const before = this.#waiting;
    if (before.length === 0) return;
    this.#waiting = [];
    const failures: unknown[] = [];
    for (const waiting of before) {
      try {
        if (waiting.isReady()) waiting.answer(true);
        else if (waiting.deadline <= now) waiting.answer(false);
        else this.#waiting.push(waiting);
      } catch (error) {
        failures.push(error);
      }
    }
    this.#arm();
    if (failures.length > 0) throw failures[0];
  }

  #arm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const soonest = Math.min(...this.#waiting.map(({ deadline }) => deadline));
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.settle(), Math.max(0, soonest - Date.now()) + 1);
  }
}

/** The fastest pace: with a trade and a ticker frame for each trade this is already twice what is asked of us. */
export const MAX_RATE = 5_000;

const TICK_MS = 5;
/** After a longer stall (a suspended process) trading goes on from there; the missed time is not caught up in one burst. */
const CATCH_UP_MS = 1_000;

/**
 * Calls `step` at a steady rate. Timers come late and in whole ms, so each tick pays out what the elapsed time owes,
 * fractions carried over: over a second the count is right whatever the timer did.
 */
export class Pace {
  readonly #step: () => void;
  #rate = 0;
  #owed = 0;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(step: () => void, rate: number) {
    this.#step = step;
    this.setRate(rate);
  }

  /** Steps per second. */
  get rate(): number {
    return this.#rate;
  }

  get paused(): boolean {
    return this.#timer === undefined;
  }

  /** Changes the rate at once. @throws {RangeError} outside 0 … 5,000 per second */
  setRate(rate: number): void {
    if (!(rate >= 0 && rate <= MAX_RATE)) throw new RangeError(`rate ${rate} is not within 0 … ${MAX_RATE} trades/s`);
    if (!this.paused) this.#settle();
    this.#rate = rate;
  }

  /** Starts or goes on; no steps are owed for the time it stood. */
  resume(): void {
    if (this.#timer) return;
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#owed = 0;
  }

  #tick(): void {
    this.#settle();
    while (this.#owed >= 1 && !this.paused) {
      this.#owed -= 1;
      this.#step();
    }
  }

  #settle(): void {
    const now = performance.now();
    this.#owed += (Math.min(now - this.#last, CATCH_UP_MS) * this.#rate) / 1000;
    this.#last = now;
  }
}

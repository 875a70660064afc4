/** Tries again until it works, for as long as its owner lives: what was received must not be dropped because a broker is away. */

import { type Logger, reasonOf } from "../../../logger.ts";
import { QueueClosed } from "./partition-queue.ts";
import { retryPause } from "./retry-pause.ts";
import { isTooLarge } from "./send-errors.ts";

export class Retrier {
  readonly #logger: Logger;
  #closed = false;
  /** Whether the last attempt, at whatever, worked. */
  reachable = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Ends all attempts. */
  close(): void {
    this.#closed = true;
  }

  /**
   * @param what is done, for people
   * @param attempt is told how many there have been
   * @throws {QueueClosed} once closed
   * @throws what {@link isTooLarge} knows: it would be answered alike for ever, and whoever asked makes it smaller
   */
  async untilDone<T>(what: string, attempt: (attempts: number) => Promise<T>): Promise<T> {
    for (let attempts = 0; ; attempts += 1) {
      if (this.#closed) throw new QueueClosed(what);
      try {
        const result = await attempt(attempts);
        this.reachable = true;
        return result;
      } catch (error) {
        if (this.#closed) throw new QueueClosed(what);
        if (isTooLarge(error)) throw error;
        this.reachable = false;
        this.#logger.warn({ reason: reasonOf(error), attempts }, `${what} failed, trying again`);
        await retryPause();
      }
    }
  }
}

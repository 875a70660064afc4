/**
 * The markets that are not collected: left out by the operator, refused by the exchange, or off its list. Each is announced as
 * an open gap at once, so that the log remembers it even where this process does not.
 */

import { REORDER_WINDOW } from "../../event-time.ts";
import type { TickWriter } from "../../log/log.ts";
import type { Backfiller } from "../backfill/backfiller.ts";
import { gapEvent, type OpenGap } from "../backfill/gaps.ts";

export interface UncollectedMarketsOptions {
  readonly writer: Pick<TickWriter, "append">;
  readonly backfiller: Pick<Backfiller, "backfill">;
}

export class UncollectedMarkets {
  readonly #options: UncollectedMarketsOptions;
  /** Since when (ms, on the exchange's clock), by instrument. */
  readonly #since = new Map<string, number>();

  constructor(options: UncollectedMarketsOptions) {
    this.#options = options;
  }

  /** @param reliedOn up to when (ms) we have all of its trades */
  add(instrument: string, reliedOn: number): void {
    const since = reliedOn - REORDER_WINDOW;
    this.#since.set(instrument, since);
    this.#options.writer.append(gapEvent({ instrument, cause: "not_collected", since, until: Date.now() }, "open"));
  }

  /** Restores those that an earlier collector has left out. */
  restore(abandoned: readonly OpenGap[]): void {
    for (const { instrument, cause, since } of abandoned)
      if (cause === "not_collected") this.#since.set(instrument, Math.min(since, this.#since.get(instrument) ?? since));
  }

  /** A market is collected again: the trades of the time between are fetched. */
  resume(instrument: string): void {
    const since = this.#since.get(instrument);
    if (since === undefined) return;
    this.#since.delete(instrument);
    this.#options.backfiller.backfill(instrument, "not_collected", since, Date.now());
  }
}

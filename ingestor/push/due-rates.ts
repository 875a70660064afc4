/**
 * Which rates a feed's next batch names as due. A period ends with a tick of the grid and with nothing else: a batch that goes
 * out in between, for `raw` or because somebody has come, ends none. One that has ended while nothing could be sent is owed.
 */

import { RATES, type Rate } from "../../protocol/stream.ts";

export class DueRates {
  #wanted: readonly Rate[] = [];
  /** Rates at which the feed may be gathering: it was sent events since they were due last. */
  readonly #gathering = new Set<Rate>();
  readonly #owed = new Set<Rate>();

  /** The rates that anyone listens to. */
  get wanted(): readonly Rate[] {
    return this.#wanted;
  }

  get wantsRaw(): boolean {
    return this.#wanted.includes("raw");
  }

  want(rates: readonly Rate[]): void {
    this.#wanted = rates;
    for (const rate of RATES) if (!rates.includes(rate)) this.#owed.delete(rate);
  }

  /** What the next batch owes the feed; nothing where it has nothing to flush. */
  get owed(): Rate[] {
    return [...this.#owed];
  }

  /** The period of these rates has ended. `waiting`: whether there are events that the feed was not sent. */
  tick(due: readonly Rate[], waiting: boolean): void {
    for (const rate of due) {
      if (this.#wanted.includes(rate) && (waiting || this.#gathering.has(rate))) this.#owed.add(rate);
    }
  }

  /** A batch has gone out, with or without events, that named these as due. */
  sent(withEvents: boolean, due: readonly Rate[]): void {
    // Of a listener who has just come this side may not know yet.
    if (withEvents) for (const rate of RATES) if (rate !== "raw") this.#gathering.add(rate);
    for (const rate of due) {
      this.#owed.delete(rate);
      this.#gathering.delete(rate);
    }
  }
}

/** The open gaps of each partition: whoever takes the log over reads far back only where there is one. */

import type { GapEvent, MarketEvent } from "../../../../protocol/events.ts";

export class OpenGaps {
  /** When (ms) each begins, by instrument and beginning, by partition. */
  readonly #since = new Map<number, Map<string, number>>();

  /** Since when (ms) some are open that are not known one by one yet, by partition. */
  readonly #unread = new Map<number, number>();

  /** Gaps open since a time (ms) are still to be read: a successor must know of them, should we die before. */
  expect(partition: number, since: number): void {
    this.#unread.set(partition, since);
  }

  /** ... and have been read. */
  settle(partition: number): void {
    this.#unread.delete(partition);
  }

  note(partition: number, event: MarketEvent): void {
    if (event.type !== "gap") return;
    const gaps = this.#since.get(partition) ?? new Map<string, number>();
    this.#since.set(partition, gaps);
    if (event.state === "open") gaps.set(keyOf(event), event.since);
    else gaps.delete(keyOf(event));
  }

  /**
   * Since when (ms) trades of a partition are being fetched; undefined where none are.
   *
   * @param since since when any of the exchange's are: a market that is left out has an open gap that nobody fetches
   */
  healing(partition: number, since: number | undefined): number | undefined {
    let first = this.#unread.get(partition) ?? Number.POSITIVE_INFINITY;
    if (since !== undefined)
      for (const begun of this.#since.get(partition)?.values() ?? []) first = Math.min(first, Math.max(begun, since));
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }
}

/** What names a gap: it may grow at its end. */
export function keyOf({ instrument, since }: Pick<GapEvent, "instrument" | "since">): string {
  return `${instrument}/${since}`;
}

/**
 * The gaps that stand open in each partition. Whoever takes the log over reads far back only where one does: the others
 * hold nothing that is still being fetched.
 */

import type { GapEvent, MarketEvent } from "../../../protocol/events.ts";

export class OpenGaps {
  /** When (ms) each begins, by instrument and beginning, by partition. */
  readonly #since = new Map<number, Map<string, number>>();

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
    const gaps = this.#since.get(partition);
    if (since === undefined || gaps === undefined || gaps.size === 0) return undefined;
    let first = Number.POSITIVE_INFINITY;
    for (const begun of gaps.values()) first = Math.min(first, Math.max(begun, since));
    return first;
  }
}

/** What names a gap: it may grow at its end. */
export function keyOf({ instrument, since }: Pick<GapEvent, "instrument" | "since">): string {
  return `${instrument}/${since}`;
}

/**
 * Gaps that are suspected after a disconnect or a start, until a frame decides each: most coins were not traded in those
 * seconds, and the frame that proves it spares them a gap.
 */

import type { GapCause } from "../../../protocol/events.ts";
import { REORDER_WINDOW } from "../../event-time.ts";
import type { ParsedEvent } from "../../exchanges/exchange.ts";

/** What we may have missed of an instrument. */
export interface SuspectedGap {
  readonly cause: GapCause;
  /** The execution time (ms) of the last trade that we may rely on. */
  readonly since: number;
}

/** What a frame shows of a suspected gap; undefined: nothing yet. */
export type GapVerdict = "missed" | "complete" | undefined;

export class SuspectedGaps {
  readonly #suspects = new Map<string, SuspectedGap>();

  get size(): number {
    return this.#suspects.size;
  }

  /** The earliest beginning (ms); undefined when there is none. */
  get since(): number | undefined {
    let since: number | undefined;
    for (const suspect of this.#suspects.values()) since = Math.min(since ?? suspect.since, suspect.since);
    return since;
  }

  get(instrument: string): SuspectedGap | undefined {
    return this.#suspects.get(instrument);
  }

  /** A gap that is suspected already keeps the earlier beginning. */
  add(cause: GapCause, instrument: string, since: number): void {
    const before = this.#suspects.get(instrument);
    if (before === undefined || since < before.since)
      this.#suspects.set(instrument, before ? { ...before, since } : { cause, since });
  }

  clear(instrument: string): void {
    this.#suspects.delete(instrument);
  }

  /** Ends a suspicion when there is a verdict. @returns the gap, when trades were missed */
  settle(instrument: string, verdict: GapVerdict): SuspectedGap | undefined {
    const suspect = this.#suspects.get(instrument);
    if (verdict === undefined) return undefined;
    this.clear(instrument);
    return verdict === "missed" ? suspect : undefined;
  }

  /** Drops the suspected gaps of all other instruments. */
  keepOnly(instruments: ReadonlySet<string>): void {
    for (const instrument of this.#suspects.keys()) if (!instruments.has(instrument)) this.#suspects.delete(instrument);
  }

  /** All that are left; none is suspected any more. */
  takeAll(): [instrument: string, SuspectedGap][] {
    const all = [...this.#suspects];
    this.#suspects.clear();
    return all;
  }
}

/**
 * Where a ticker's time is that of the last trade, and a repeated trade is the last one: one that is older than what we rely
 * on shows that there was none since.
 */
export function judgeByTime(event: ParsedEvent, { since }: SuspectedGap): GapVerdict {
  const isLast = event.type === "ticker" || event.snapshot;
  return isLast && event.time < since - REORDER_WINDOW ? "complete" : "missed";
}

/**
 * Where ids count up by one.
 *
 * @param id that of a trade that was just received, or that of the newest trade as a ticker names it
 * @param last the highest id that we have; null where we have none
 */
export function judgeById(kind: "trade" | "ticker", id: string, last: string | null): GapVerdict {
  if (last === null) return "missed";
  const ahead = Number(id) - Number(last);
  // A trade that was on its way when we left, or is older than our last one, decides nothing.
  if (ahead < 0 || (ahead === 0 && kind === "trade")) return undefined;
  return ahead === (kind === "trade" ? 1 : 0) ? "complete" : "missed";
}

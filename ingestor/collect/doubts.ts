/**
 * Which instruments may lack trades because we were away, until a frame tells more of each: most coins were not traded in
 * those seconds, and what proves that spares them a gap.
 */

import type { GapCause } from "../../protocol/events.ts";
import type { ParsedEvent } from "../exchanges/exchange.ts";

/** Frames of one moment reach us in no strict order: a trade may be missing that was executed this long, ms, before the last one seen. */
export const OVERLAP = 500;

/** What we may have missed of an instrument. */
export interface Doubt {
  readonly cause: GapCause;
  /** The execution time (ms) of the last trade that we may rely on. */
  readonly since: number;
}

/** What a frame shows of an instrument in doubt; undefined: nothing yet. */
export type Verdict = "missed" | "complete" | undefined;

export class Doubts {
  readonly #doubts = new Map<string, Doubt>();

  get size(): number {
    return this.#doubts.size;
  }

  /** Since when (ms) the longest; undefined when there is none. */
  get since(): number | undefined {
    let since: number | undefined;
    for (const doubt of this.#doubts.values()) since = Math.min(since ?? doubt.since, doubt.since);
    return since;
  }

  get(instrument: string): Doubt | undefined {
    return this.#doubts.get(instrument);
  }

  /** An instrument in doubt already stays so from the earlier time on. */
  add(cause: GapCause, instrument: string, since: number): void {
    const before = this.#doubts.get(instrument);
    if (before === undefined || since < before.since)
      this.#doubts.set(instrument, before ? { ...before, since } : { cause, since });
  }

  clear(instrument: string): void {
    this.#doubts.delete(instrument);
  }

  /** Ends a doubt when there is a verdict. @returns it, when trades were missed */
  settle(instrument: string, verdict: Verdict): Doubt | undefined {
    const doubt = this.#doubts.get(instrument);
    if (verdict === undefined) return undefined;
    this.clear(instrument);
    return verdict === "missed" ? doubt : undefined;
  }

  /** Those of other instruments are nobody's affair any more. */
  keepOnly(instruments: ReadonlySet<string>): void {
    for (const instrument of this.#doubts.keys()) if (!instruments.has(instrument)) this.#doubts.delete(instrument);
  }

  /** All that are left; none is in doubt any more. */
  takeAll(): [instrument: string, Doubt][] {
    const all = [...this.#doubts];
    this.#doubts.clear();
    return all;
  }
}

/**
 * Where a ticker's time is that of the last trade, and a repeated trade is the last one: one that is older than what we rely
 * on shows that there was none since.
 */
export function judgeByTime(event: ParsedEvent, { since }: Doubt): Verdict {
  const isLast = event.type === "ticker" || event.snapshot;
  return isLast && event.time < since - OVERLAP ? "complete" : "missed";
}

/**
 * Where ids count up by one.
 *
 * @param told the id of a trade that was just received, or that of the newest trade as a ticker names it
 * @param last the highest id that we have; null where we have none
 */
export function judgeById(kind: "trade" | "ticker", told: string, last: string | null): Verdict {
  if (last === null) return "missed";
  const ahead = Number(told) - Number(last);
  // What was on its way when we left, or is older than what we have, says nothing.
  if (ahead < 0 || (ahead === 0 && kind === "trade")) return undefined;
  return ahead === (kind === "trade" ? 1 : 0) ? "complete" : "missed";
}

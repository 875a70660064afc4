/** The gaps that the log itself announces: what they say is missing need not be there. */

import type { GapCause, GapEvent } from "../../../protocol/events.ts";

interface Announced {
  readonly cause: GapCause;
  readonly since: number;
  readonly until: number;
  readonly state: GapEvent["state"];
}

export class AnnouncedGaps {
  /** By instrument, then by when they begin. */
  readonly #gaps = new Map<string, Map<number, Announced>>();

  take({ instrument, cause, since, until, state }: GapEvent): void {
    const gaps = this.#gaps.get(instrument) ?? new Map<number, Announced>();
    this.#gaps.set(instrument, gaps);
    gaps.set(since, { cause, since, until, state });
  }

  /** Whether trades executed at a time (ms) may be missing: they are lost, or were still being fetched. */
  lacks(instrument: string, time: number): boolean {
    return this.#some(instrument, time, ({ state }) => state !== "healed");
  }

  /** Whether nobody collected at a time (ms) because the collector had ended: tickers of then are fetched by nobody. */
  unattended(instrument: string, time: number): boolean {
    return this.#some(instrument, time, ({ cause }) => cause === "collector_restart");
  }

  #some(instrument: string, time: number, holds: (gap: Announced) => boolean): boolean {
    for (const gap of this.#gaps.get(instrument)?.values() ?? []) {
      if (gap.since <= time && time <= gap.until && holds(gap)) return true;
    }
    return false;
  }
}

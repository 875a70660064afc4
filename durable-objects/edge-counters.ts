/**
 * Counts what an object does, in memory, until it says so (`protocol/edge-counts.ts`). Frames and items are counted on the way of
 * a tick, so these are plain numbers; nothing is stored, and nothing is sent for their sake.
 */

import type { CloseReason, EdgeCounts, ResumeOutcome } from "../protocol/edge-counts.ts";

/** What an object has now. */
export type Gauges = Pick<EdgeCounts, "clients" | "streams">;

export const NOTHING_TOLD: Gauges = { clients: 0, streams: 0 };

export class EdgeCounters {
  frames = 0;
  bytes = 0;
  items = 0;
  folded = 0;
  #resumes: Record<string, number> = {};
  #closes: Record<string, number> = {};
  readonly #gauges: () => Gauges;
  /** What the listener was told last of the gauges. */
  #told = NOTHING_TOLD;
  /** Whether anything but frames was counted. */
  #moved = false;

  constructor(gauges: () => Gauges) {
    this.#gauges = gauges;
  }

  /** A stream was subscribed to. */
  resumed(outcome: ResumeOutcome): void {
    this.#resumes[outcome] = (this.#resumes[outcome] ?? 0) + 1;
    this.#moved = true;
  }

  /** A socket is no longer served. */
  closed(reason: CloseReason): void {
    this.#closes[reason] = (this.#closes[reason] ?? 0) + 1;
    this.#moved = true;
  }

  /** Whoever is told from now on has been told this of the gauges. */
  goOnFrom(told: Gauges): void {
    this.#told = told;
  }

  /** What is to be said now, and counts as said; undefined where that is nothing new. */
  take(): EdgeCounts | undefined {
    const { clients, streams } = this.#gauges();
    const counted = this.#moved || this.frames > 0 || this.items > 0 || this.folded > 0;
    if (!counted && clients === this.#told.clients && streams === this.#told.streams) return undefined;
    const { frames, bytes, items, folded } = this;
    const word = { clients, streams, frames, bytes, items, folded, resumes: this.#resumes, closes: this.#closes };
    this.#told = { clients, streams };
    this.frames = 0;
    this.bytes = 0;
    this.items = 0;
    this.folded = 0;
    this.#resumes = {};
    this.#closes = {};
    this.#moved = false;
    return word;
  }
}

/**
 * The markets that are not collected: left out by the operator, refused by the exchange, or off its list. Said at once: should
 * nobody remember when one comes back, it has been said.
 */

import type { TickWriter } from "../log/log.ts";
import { OVERLAP } from "./doubts.ts";
import { gapEvent, type OpenGap } from "./gaps.ts";
import type { Healer } from "./healer.ts";

export interface LeftOutOptions {
  readonly writer: Pick<TickWriter, "append">;
  readonly healer: Pick<Healer, "heal">;
}

export class LeftOut {
  readonly #options: LeftOutOptions;
  /** When (ms, on the exchange's clock) each was. */
  readonly #since = new Map<string, number>();

  constructor(options: LeftOutOptions) {
    this.#options = options;
  }

  /** @param reliedOn up to when (ms) we have all of its trades */
  leave(instrument: string, reliedOn: number): void {
    const since = reliedOn - OVERLAP;
    this.#since.set(instrument, since);
    this.#options.writer.append(gapEvent({ instrument, cause: "not_collected", since, until: Date.now() }, "open"));
  }

  /** Those that a collector before us has left out. */
  remember(abandoned: readonly OpenGap[]): void {
    for (const { instrument, cause, since } of abandoned)
      if (cause === "not_collected") this.#since.set(instrument, Math.min(since, this.#since.get(instrument) ?? since));
  }

  /** It is collected again: what was traded meanwhile is fetched. */
  welcome(instrument: string): void {
    const since = this.#since.get(instrument);
    if (since === undefined) return;
    this.#since.delete(instrument);
    this.#options.healer.heal(instrument, "not_collected", since, Date.now());
  }
}

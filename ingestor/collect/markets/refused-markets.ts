/**
 * Markets that the exchange will not let us subscribe to: one of them fails the request for all others, so it is left out.
 * A delisted market is refused until the market list has dropped it, too.
 */

import type { Market } from "../../../protocol/ingest.ts";
import { namedIn } from "../frames/bad-frames.ts";

/** How long one is left out while the list still has it, ms; twice as long each further time that it is refused. */
const FIRST_PAUSE = 600_000;
const MAX_PAUSE = 86_400_000;

interface Refused {
  readonly symbol: string;
  readonly times: number;
  readonly until: number;
}

export class RefusedMarkets {
  readonly #refused = new Map<string, Refused>();

  /** Their symbols, as the exchange spells them, at a time (ms). */
  at(now: number): string[] {
    return [...this.#refused.values()].flatMap(({ symbol, until }) => (until > now ? [symbol] : []));
  }

  has({ instrument }: Market, now: number): boolean {
    return (this.#refused.get(instrument)?.until ?? 0) > now;
  }

  /**
   * Records why a request was refused.
   *
   * @param message the exchange's words
   * @param markets those that were asked for
   * @returns whether it names some of them, which are left out from now on
   */
  add(message: string, markets: readonly Market[], now: number): boolean {
    const named = namedIn(message, markets);
    // Who repeats all that was asked for blames none of it.
    if (named.length > Math.max(1, markets.length / 2)) return false;
    for (const { instrument, nativeSymbol: symbol } of named) {
      const times = (this.#refused.get(instrument)?.times ?? 0) + 1;
      const until = now + Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** (times - 1));
      this.#refused.set(instrument, { symbol, times, until });
    }
    return named.length > 0;
  }

  /** One that has left the list is welcome when it comes back. */
  keepOnly(listed: readonly Market[]): void {
    const there = new Set(listed.map(({ instrument }) => instrument));
    for (const instrument of this.#refused.keys()) if (!there.has(instrument)) this.#refused.delete(instrument);
  }
}

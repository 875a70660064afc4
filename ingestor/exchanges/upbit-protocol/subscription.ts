/** The request that subscribes to everything, as Upbit takes it; Bithumb takes the same. */

import type { Feed } from "../exchange.ts";

/**
 * One frame with every code: there is no wildcard, and a later request replaces the earlier one. No answer ever comes.
 *
 * @param format of the frames that are asked for: `SIMPLE` has short keys
 */
export function subscription(format: "DEFAULT" | "SIMPLE"): Feed["subscribe"] {
  return (wanted) => {
    // An empty list of codes is answered with an error, and the connection closed.
    if (wanted.length === 0) return [];
    const codes = wanted.map(({ nativeSymbol }) => nativeSymbol);
    const request = [
      { ticket: crypto.randomUUID() },
      // Trades first: what a ticker then shows to be the last trade can't have slipped in between the two.
      { type: "trade", codes },
      { type: "ticker", codes },
      { format },
    ];
    return [{ frame: JSON.stringify(request) }];
  };
}

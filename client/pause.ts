/** The reconnect backoff: PROTOCOL.md §8. */

import { afterClose } from "../protocol/errors.ts";

/** The first ceilings, ms; each further attempt doubles them. */
const AT_ONCE = 200;
const BACK_OFF = 2000;

/**
 * Full jitter: thousands of clients that were dropped together must not come back together. Where the server asks to back
 * off, at least half of the pause is certain.
 *
 * @param attempts in a row that have failed before
 * @param longest ms
 * @returns ms; null when the request itself is wrong and reconnecting would not help
 */
export function pauseAfter(code: number, attempts: number, longest: number, random = Math.random): number | null {
  const advice = afterClose(code);
  if (advice === "stop") return null;
  if (advice === "reconnect") return Math.round(random() * Math.min(longest, AT_ONCE * 2 ** attempts));
  const ceiling = Math.min(longest, BACK_OFF * 2 ** attempts);
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Polls for a condition; the error of a timeout names it. */

import { setTimeout as sleep } from "node:timers/promises";

/**
 * @param what is waited for; a function says how far it has come
 * @param timeout ms; how long a broken run takes to fail, not how long a good one takes
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  timeout = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${typeof what === "string" ? what : what()}`);
    await sleep(20);
  }
}

/**
 * Ends a client's connection where the object behind it can't. A socket that was reset before its upgrade was answered stays open
 * for the object, takes nothing, and reports nothing; and a close waits behind what a client does not take. Only whoever has
 * opened the connection can abort it, and only as long as the runtime lets work go on after an answer: 30 s.
 */

import type { Standing } from "../durable-objects/clients/socket-pool.ts";

/** Pauses before each look, ms. */
const PAUSES = [2000, 3000, 5000];

/**
 * Resolves when the client has been there, or the connection is gone or aborted.
 *
 * @param standing asks the object. One that can't answer is busy, or has ended with all its sockets: the next look tells
 */
export async function guardSocket(
  standing: () => Promise<Standing>,
  connection: AbortController,
  pauses: readonly number[] = PAUSES,
): Promise<void> {
  let last: Standing | undefined;
  for (const pause of pauses) {
    await scheduler.wait(pause);
    last = await standing().catch(() => undefined);
    if (last === "open" || last === "gone") return;
  }
  if (last !== undefined) connection.abort();
}

/** What is told of an item by the name of its stream, which is all that a relay reads of it. */

import type { ItemLine } from "../../protocol/relay-frames.ts";

// No name of an instrument has an @ in it.
export function isTrade({ stream }: Pick<ItemLine, "stream">): boolean {
  return stream.includes("@trade@");
}

/** Whether it waits for nothing. */
export function isRaw({ stream }: Pick<ItemLine, "stream">): boolean {
  return stream.endsWith("@raw");
}

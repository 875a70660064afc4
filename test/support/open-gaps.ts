import type { Gap } from "../../protocol/events.ts";

/** Whether any of an instrument's gaps, in the order of their events, is still being fetched. */
export function hasOpenGap(gaps: Iterable<Pick<Gap, "since" | "state">>): boolean {
  const open = new Set<number>();
  for (const { since, state } of gaps) {
    if (state === "open") open.add(since);
    else open.delete(since);
  }
  return open.size > 0;
}

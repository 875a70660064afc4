/**
 * Announces what may be missing. For now nothing is fetched, so a gap that opens is closed as `lost` at once; the two steps
 * are apart so that what was missed can be fetched between them.
 */

import type { Gap, GapCause, GapEvent, MarketEvent } from "../../protocol/events.ts";
import type { Tail } from "../log/log.ts";

/** Frames of one moment reach us in no strict order: a trade may be missing that was executed this long, ms, before the last one seen. */
const OVERLAP = 500;

/** A hole that has not ended yet: since when (ms) each instrument may lack trades. */
export interface Hole {
  readonly cause: GapCause;
  readonly since: ReadonlyMap<string, number>;
}

/** Two holes that end together: the earlier beginning of each instrument, the cause of the first. */
export function joinHoles(first: Hole | undefined, second: Hole): Hole {
  if (first === undefined) return second;
  const since = new Map(first.since);
  for (const [instrument, time] of second.since) since.set(instrument, Math.min(time, since.get(instrument) ?? time));
  return { cause: first.cause, since };
}

/** The events that announce a hole, now that it has ended, and give up on it. */
export function lostGaps({ cause, since: beginnings }: Hole, until: number): MarketEvent[] {
  return [...beginnings].flatMap(([instrument, begun]) => {
    const since = Math.max(0, Math.min(begun - OVERLAP, until));
    return (["open", "lost"] as const).map((state) => gap(instrument, { cause, since, until, state }));
  });
}

/** The gaps that a tail leaves open because their collector died: somebody has to close them. */
export function abandonedGaps(tails: readonly Tail[]): MarketEvent[] {
  const open = new Map<string, GapEvent>();
  for (const event of tails.flatMap(({ events }) => events)) {
    if (event.type !== "gap") continue;
    const key = `${event.instrument}/${event.since}`;
    if (event.state === "open") open.set(key, event);
    else open.delete(key);
  }
  return [...open.values()].map((event) => ({ ...event, state: "lost" }));
}

function gap(instrument: string, fields: Gap): MarketEvent {
  return { type: "gap", instrument, received: null, ...fields };
}

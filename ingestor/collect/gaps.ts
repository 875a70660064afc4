/**
 * Announces what may be missing. For now nothing is fetched, so a gap that opens is closed as `lost` at once; the two steps
 * are apart so that what was missed can be fetched between them.
 */

import type { Gap, GapCause, GapEvent, MarketEvent } from "../../protocol/events.ts";
import type { Tail } from "../log/log.ts";

/** Frames of one moment reach us in no strict order: a trade may be missing that was executed this long, ms, before the last one seen. */
const OVERLAP = 500;

/** A hole between two times (ms) on the exchange's clock. */
export interface Hole {
  readonly cause: GapCause;
  readonly since: number;
  readonly until: number;
}

/** The events that announce a hole of these instruments and give up on it. */
export function lostGaps(instruments: readonly string[], hole: Hole): MarketEvent[] {
  const since = Math.min(hole.since - OVERLAP, hole.until);
  return instruments.flatMap((instrument) =>
    (["open", "lost"] as const).map((state) => gap(instrument, { ...hole, since, state })),
  );
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

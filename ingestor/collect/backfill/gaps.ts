/** Gap events: trades may be missing, and what became of them. */

import type { Gap, GapCause, GapEvent } from "../../../protocol/events.ts";
import type { Tail } from "../../log/log.ts";

/** A gap that has been announced and is not closed yet. Times in ms. */
export interface OpenGap {
  readonly instrument: string;
  readonly cause: GapCause;
  readonly since: number;
  readonly until: number;
}

/** @param fields what differs from the gap as it was announced: of one of which a part was fetched, only the rest is lost */
export function gapEvent(
  { instrument, cause, since, until }: OpenGap,
  state: Gap["state"],
  fields: Partial<Gap> = {},
): GapEvent {
  return { type: "gap", instrument, received: null, cause, since, until, state, ...fields };
}

/** The gaps that tails leave open because their collector died: somebody has to go on with them. */
export function abandonedGaps(tails: readonly Pick<Tail, "events">[]): OpenGap[] {
  const open = new Map<string, OpenGap>();
  for (const event of tails.flatMap(({ events }) => events)) {
    if (event.type !== "gap") continue;
    const { instrument, cause, since, until } = event;
    const key = `${instrument}/${since}`;
    if (event.state === "open") open.set(key, { instrument, cause, since, until });
    else open.delete(key);
  }
  return [...open.values()];
}

/** What a feed tells its listeners when it goes over to another log: what lies between the two is lost. */

import type { GapEvent } from "../../protocol/events.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";

/**
 * A gap at a position of the new log where none of its events stands.
 *
 * @param since log time (ms) up to which the old log was known
 * @param until ... from which on the new one is
 */
export function epochGap(instrument: string, seq: number, since: number, until: number): LoggedEvent {
  const event: GapEvent = {
    type: "gap",
    instrument,
    received: null,
    cause: "epoch_changed",
    since: Math.min(since, until),
    until,
    state: "lost",
  };
  return { seq, logged: until, event };
}

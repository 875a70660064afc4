/** What a feed tells its listeners when it goes over to another log: what lies between the two is lost. */

import type { GapEvent } from "../protocol/events.ts";
import type { LoggedEvent } from "../protocol/ingest.ts";

/**
 * A gap that stands just before the first event of the new log, where that has room for it.
 *
 * @param since log time (ms) up to which the old log was known
 */
export function epochGap(instrument: string, since: number, first: LoggedEvent): LoggedEvent {
  const event: GapEvent = {
    type: "gap",
    instrument,
    received: null,
    cause: "epoch_changed",
    since: Math.min(since, first.logged),
    until: first.logged,
    state: "lost",
  };
  return { seq: Math.max(1, first.seq - 1), logged: first.logged, event };
}

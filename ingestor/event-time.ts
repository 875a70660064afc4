/**
 * How far an event's own time may be believed. An exchange may date one in the future, and a maximum of times would keep that
 * for good: everything up to then would pass for collected.
 */

/** An exchange's clock is ahead of ours by no more than this, ms: what is dated later is dated wrongly. */
export const CLOCK_LEAD = 5000;

/** Frames of one moment reach us in no strict order: a trade may be missing that was executed this long, ms, before the last one seen. */
export const REORDER_WINDOW = 500;

/** What has a time of the exchange's and, unless a recording does not say, one of receipt. Both ms. */
export interface Timed {
  readonly time: number;
  readonly received: number | null;
}

/** Up to when (ms) an event shows that the exchange has traded: never past its receipt. */
export function reliedTime({ time, received }: Timed): number {
  return Math.min(time, received ?? time);
}

/** An event's time (ms) on the exchange's clock, which may be a little ahead of ours. */
export function boundedTime({ time, received }: Timed): number {
  return Math.min(time, (received ?? time) + CLOCK_LEAD);
}

/** Whether an event is dated in the future. */
export function isDatedAhead(event: Timed): boolean {
  return boundedTime(event) < event.time;
}

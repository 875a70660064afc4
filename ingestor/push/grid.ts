/** The grid of the conflated rates: one for all feeds of a pusher, so that hibernation can't shift it. */

import { RATE_PERIODS, RATES, type Rate } from "../../protocol/stream.ts";

/** Between two ticks, ms: every period is a multiple of it. */
export const GRID = 100;

/** The rates whose period ends with the `tick`th tick, counted from 1. `raw` has no period. */
export function dueOn(tick: number): readonly Rate[] {
  return RATES.filter((rate) => {
    const period = RATE_PERIODS[rate];
    return period !== null && (tick * GRID) % period === 0;
  });
}

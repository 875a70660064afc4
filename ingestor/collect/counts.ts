/** What a collector has counted since it took the log over. */

import type { Healer, HealerCounts } from "./healer.ts";
import type { Intake, IntakeCounts } from "./intake.ts";
import type { Shares } from "./shares.ts";

export interface CollectorCounts extends IntakeCounts, HealerCounts {
  /** Connections that broke, and those that were replaced before they did. */
  reconnects: number;
  rotations: number;
  connections: number;
  markets: number;
  /** Gaps that are being fetched. */
  openGaps: number;
  /** Rows of the market list that can't be read, and markets that the exchange refuses: neither is collected. */
  oddRows: number;
  refusedMarkets: number;
}

const NOTHING: CollectorCounts = {
  frames: 0,
  events: 0,
  repeats: 0,
  badFrames: 0,
  datedAhead: 0,
  gaps: 0,
  healed: 0,
  lost: 0,
  lateTrades: 0,
  reconnects: 0,
  rotations: 0,
  connections: 0,
  markets: 0,
  openGaps: 0,
  oddRows: 0,
  refusedMarkets: 0,
};

/** All but what only the collector knows. */
export function countsOf(
  running: { readonly intake: Intake; readonly healer: Healer; readonly shares: Shares } | undefined,
): CollectorCounts {
  if (running === undefined) return NOTHING;
  const shares = running.shares.all;
  return {
    ...NOTHING,
    ...running.intake.counts,
    ...running.healer.counts,
    reconnects: shares.reduce((sum, { reconnects }) => sum + reconnects, 0),
    rotations: shares.reduce((sum, { rotations }) => sum + rotations, 0),
    connections: shares.length,
    markets: shares.reduce((sum, { markets }) => sum + markets.length, 0),
    openGaps: running.healer.open,
  };
}

/** What a collector has counted since it took the log over. */

import type { Backfiller, BackfillerCounts } from "./backfill/backfiller.ts";
import type { ConnectionShards } from "./connections/connection-shards.ts";
import type { FrameCounts, FrameProcessor } from "./frames/frame-processor.ts";

export interface CollectorCounts extends FrameCounts, BackfillerCounts {
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
  running:
    | { readonly processor: FrameProcessor; readonly backfiller: Backfiller; readonly shards: ConnectionShards }
    | undefined,
): CollectorCounts {
  if (running === undefined) return NOTHING;
  const shards = running.shards.all;
  return {
    ...NOTHING,
    ...running.processor.counts,
    ...running.backfiller.counts,
    reconnects: shards.reduce((sum, { reconnects }) => sum + reconnects, 0),
    rotations: shards.reduce((sum, { rotations }) => sum + rotations, 0),
    connections: shards.length,
    markets: shards.reduce((sum, { markets }) => sum + markets.length, 0),
    openGaps: running.backfiller.open,
  };
}

/** How an exchange is, by its connections: live is only one of which everything comes. */

import type { CollectorStatus } from "../log/log.ts";
import type { ConnectionShard } from "./connections/connection-shard.ts";

/** A state, and what people should know of it; empty where all is well. */
export interface ExchangeState {
  readonly state: CollectorStatus["state"];
  readonly detail: string;
}

/** @param maxSilence nothing for this long, ms, on all connections is no good sign */
export function stateOf(
  shards: readonly Pick<ConnectionShard, "live" | "detail" | "lastFrame">[],
  maxSilence: number,
): ExchangeState {
  const away = shards.filter(({ live }) => !live);
  const detail = away[0]?.detail ?? "";
  if (shards.length === 0) return { state: "down", detail: "nothing is collected" };
  if (away.length === shards.length) return { state: "down", detail };
  if (away.length > 0) return { state: "stale", detail: `${away.length} of ${shards.length} connections: ${detail}` };
  const silence = Date.now() - Math.max(...shards.map(({ lastFrame }) => lastFrame));
  return silence > maxSilence ? { state: "stale", detail: "connected, but nothing comes" } : { state: "live", detail };
}

/** What else is wrong with what we collect. @param refused markets that the exchange refuses */
export function withRemarks(
  { state, detail }: ExchangeState,
  listTrouble: string | undefined,
  refused: readonly string[],
): ExchangeState {
  const left = refused.length === 0 ? [] : `refused by the exchange, and left out: ${refused.slice(0, 10).join(", ")}`;
  return { state, detail: [detail === "" ? [] : detail, listTrouble ?? [], left].flat().join("; ") };
}

import type { Limit } from "../sliding-window-limiter.ts";

/** What Korbit's rules are set to; an empty list of limits, or null, turns that rule off. */
export interface KorbitSettings {
  /** New connections from one IP. */
  readonly connects: readonly Limit[];
  /** Client messages on one connection. */
  readonly messages: readonly Limit[];
  /** REST requests from one IP. */
  readonly requests: Limit | null;
  /** Between two protocol pings of the server; a client whose pong is missing when the next is due is cut. */
  readonly pingMs: number;
  /** Trades of one market within so many ms share a frame; 0 gives each its own. */
  readonly batchMs: number;
  /** The most trades of a market that REST still offers. */
  readonly historyRows: number;
}

/** Korbit's own values: 50 REST requests/s, a ping every 30 s, 500 trades back; other limits are not documented. */
export const KORBIT_SETTINGS: KorbitSettings = {
  connects: [],
  messages: [],
  requests: { count: 50, withinMs: 1_000 },
  pingMs: 30_000,
  batchMs: 0,
  historyRows: 500,
};

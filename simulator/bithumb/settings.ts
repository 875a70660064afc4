import type { Limit } from "../sliding-window-limiter.ts";
import type { ConnectionSettings } from "../upbit-protocol/connection.ts";

/** What Bithumb's rules are set to; an empty list of limits turns that rule off. */
export interface BithumbSettings extends ConnectionSettings {
  /** New connections from one IP. */
  readonly connects: readonly Limit[];
  /** How long an IP that exceeded the connection limit is blocked. */
  readonly blockMs: number;
  /** REST requests of one group from one IP. */
  readonly requests: readonly Limit[];
}

/** Bithumb's own values: 10 connects/s, then a block of 10 minutes, 150 REST requests/s; 60 s of idleness as observed. */
export const BITHUMB_SETTINGS: BithumbSettings = {
  connects: [{ count: 10, withinMs: 1_000 }],
  blockMs: 600_000,
  requests: [{ count: 150, withinMs: 1_000 }],
  idleMs: 60_000,
  statusMs: 10_000,
  errorCloseMs: 150,
};

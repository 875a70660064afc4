import type { Limit } from "../sliding-window-limiter.ts";
import type { ConnectionSettings } from "../upbit-protocol/connection.ts";

/** What Upbit's rules are set to; an empty list of limits turns that rule off. */
export interface UpbitSettings extends ConnectionSettings {
  /** Client messages on one connection. */
  readonly messages: readonly Limit[];
  /** New connections from one IP. */
  readonly connects: readonly Limit[];
  /** REST requests of one group from one IP. */
  readonly requests: readonly Limit[];
}

/** Upbit's own values: 5 messages/s and 100/min, 5 connects/s, 10 REST requests/s; 60 s of idleness as observed. */
export const UPBIT_SETTINGS: UpbitSettings = {
  messages: [
    { count: 5, withinMs: 1_000 },
    { count: 100, withinMs: 60_000 },
  ],
  connects: [{ count: 5, withinMs: 1_000 }],
  requests: [{ count: 10, withinMs: 1_000 }],
  idleMs: 60_000,
  statusMs: 10_000,
  errorCloseMs: 150,
};

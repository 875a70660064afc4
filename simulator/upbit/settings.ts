import type { Limit } from "../sliding-window-limiter.ts";

/** What Upbit's rules are set to; an empty list of limits turns that rule off. */
export interface UpbitSettings {
  /** Client messages on one connection. */
  readonly messages: readonly Limit[];
  /** New connections from one IP. */
  readonly connects: readonly Limit[];
  /** REST requests of one group from one IP. */
  readonly requests: readonly Limit[];
  /** A connection with nothing received and nothing sent for so long is cut without a close frame. */
  readonly idleMs: number;
  /** Between two `{"status":"UP"}` once the client has sent `PING`. */
  readonly statusMs: number;
  /** From an error frame to the close with code 1000. */
  readonly errorCloseMs: number;
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

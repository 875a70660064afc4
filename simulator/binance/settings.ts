import type { Limit } from "../sliding-window-limiter.ts";

/** What Binance's rules are set to; an empty list of limits turns that rule off. */
export interface BinanceSettings {
  /** What one connection may send: requests, pings and pongs together. */
  readonly messages: readonly Limit[];
  /** New connections from one IP. */
  readonly connects: readonly Limit[];
  /** Streams on one connection. */
  readonly maxStreams: number;
  /** REST weight of one IP in a minute. */
  readonly weightPerMinute: number;
  /** Between two pings of the server. */
  readonly pingMs: number;
  /** From an unanswered ping to the close. */
  readonly pongMs: number;
  /** The longest life of a connection. */
  readonly lifeMs: number;
  /** Between two rounds of tickers. */
  readonly tickerMs: number;
  /** From `serverShutdown` to the close of the remaining connections. */
  readonly leaveMs: number;
}

/** Binance's own values. */
export const BINANCE_SETTINGS: BinanceSettings = {
  messages: [{ count: 5, withinMs: 1_000 }],
  connects: [{ count: 300, withinMs: 300_000 }],
  maxStreams: 1_024,
  weightPerMinute: 6_000,
  pingMs: 20_000,
  pongMs: 60_000,
  lifeMs: 86_400_000,
  tickerMs: 1_000,
  leaveMs: 600_000,
};

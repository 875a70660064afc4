import type { Fill } from "./fill.ts";

/** One executed trade. All but `sentTo` never changes. */
export interface Trade extends Fill {
  /** 1, 2, 3, … over all markets since the simulator started. */
  readonly seq: number;
  /** Quote first, whatever the exchange: KRW-BTC. */
  readonly market: string;
  /** 1, 2, 3, … within its market, relisted or not. */
  readonly ordinal: number;
  /** 17 digits: its ms × 10^4 + a counter. */
  readonly id: bigint;
  /** When it was executed, ms. */
  readonly timestamp: number;
  /** The time its frame is stamped with, ms. */
  readonly frameAt: number;
  /** The close before the window of the figures. */
  readonly prevClosingPrice: bigint;
  /** How many sockets its live frame was handed to, the first time it was sent. */
  sentTo: number;
}

/** Notes that a trade was handed to one more socket. */
export function countSent(trade: Trade): void {
  trade.sentTo += 1;
}

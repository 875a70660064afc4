/** Trades, and logs that hold them, for tests of what is remembered of them. */

import type { MarketEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Tail } from "../../log/log.ts";

export const BTC = "upbit:BTC-KRW";
export const ETH = "upbit:ETH-KRW";
/** Trades remembered per instrument, and while none may be forgotten. */
export const LIMIT = 2000;
export const HELD_LIMIT = 200_000;

export function trade(id: string | null, time = 1000, fields: Partial<TradeEvent> = {}): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
  return { type: "trade", instrument: BTC, id, time, ...rest, ...fields };
}

export function snapshot(id: string | null, time = 1000): TradeEvent {
  return trade(id, time, { snapshot: true });
}

/** As the log has one that the history told. */
export function fetched(id: string, time = 1000): TradeEvent {
  return trade(id, time, { late: true });
}

/** A trade a millisecond, which is its id, too. */
export function series(from: number, to: number): TradeEvent[] {
  return Array.from({ length: to - from }, (_, i) => trade(`${from + i}`, from + i));
}

export function ids(trades: readonly TradeEvent[]): (string | null)[] {
  return trades.map(({ id }) => id);
}

export function tail(completeFrom: number, ...events: MarketEvent[]): Tail {
  return { events, completeFrom, completeUntil: null };
}

/** A tail before which more stands that is still being read. */
export function unread(completeFrom: number, ...events: MarketEvent[]): Tail {
  return { ...tail(completeFrom, ...events), unreadSince: 0 };
}

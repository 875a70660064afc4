/** Items of made-up streams. */

import type { DataItem } from "../../protocol/frames.ts";

export const TRADES = "upbit:BTC-KRW@trade@100ms";
export const TICKERS = "upbit:BTC-KRW@ticker@100ms";

const t = { exchange: 1, received: 2, logged: 3, edge: 4 };

export function trade(prev: number, seq: number, more: Partial<DataItem> = {}): DataItem {
  const one = { id: `${seq}0`, price: "95299000", size: "0.5", side: "buy" as const, time: 1_783_655_148_303, seq };
  return { stream: TRADES, instrument: "upbit:BTC-KRW", epoch: "a", prev, seq, n: 1, t, trades: [one], ...more };
}

/** The newest trade alone, as a subscription begins. */
export function tradeSnapshot(seq: number, more: Partial<DataItem> = {}): DataItem {
  return trade(0, seq, { snapshot: true, n: 0, ...more });
}

export function ticker(prev: number, seq: number, more: Partial<DataItem> = {}): DataItem {
  const figures = {
    ...{ price: "95299000", size: null, side: null, open: null, high: null, low: null, prevClose: null, change: null },
    ...{ changePct: "1.5", window: "24h" as const, baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null },
    ...{ status: null, time: 1_783_655_148_303 },
  };
  const place = { stream: TICKERS, instrument: "upbit:BTC-KRW", epoch: "a", prev, seq, n: 1 };
  return { ...place, t, ticker: figures, ...more };
}

export function tickerSnapshot(seq: number): DataItem {
  return ticker(0, seq, { snapshot: true });
}

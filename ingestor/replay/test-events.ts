/** Events for tests of what compares them. */

import type { GapEvent, TickerEvent, TradeEvent } from "../../protocol/events.ts";

export const INSTRUMENT = "upbit:BTC-KRW";

export function tradeEvent(fields: Partial<TradeEvent> = {}): TradeEvent {
  return {
    ...{ type: "trade", instrument: INSTRUMENT, id: "1", price: "100", size: "2", side: "buy" },
    ...{ time: 1000, received: 1010, snapshot: false },
    ...fields,
  };
}

export function tickerEvent(fields: Partial<TickerEvent> = {}): TickerEvent {
  return {
    ...{
      type: "ticker",
      instrument: INSTRUMENT,
      price: "100",
      size: null,
      side: null,
      open: null,
      high: null,
      low: null,
    },
    ...{ prevClose: null, change: null, changePct: null, window: "utc-day", baseVolume24h: null, quoteVolume24h: null },
    ...{ bid: null, ask: null, status: null, time: 1000, received: 1010 },
    ...fields,
  };
}

export function gapEvent(fields: Partial<GapEvent> = {}): GapEvent {
  return {
    ...{ type: "gap", instrument: INSTRUMENT, received: null, cause: "exchange_disconnect" },
    ...{ since: 1000, until: 2000, state: "open" },
    ...fields,
  };
}

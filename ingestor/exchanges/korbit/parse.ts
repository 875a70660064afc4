/** Korbit's frames, https://docs.digitalx.miraeasset.com, "WebSocket": an object each, a trade frame with a list of trades in it. */

import { subtractDecimals } from "../../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { type Fields, isFields, noTrade, readJson, readList, tickerWithVolume, unknownType } from "../frames.ts";
import { type Execution, readExecution, readRefusal, readRequestId, readTicker, readTrades } from "./fields.ts";

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!isFields(frame)) throw new FrameError("a frame must be an object");
  const { type, status } = frame;
  // Answers to our requests have a status and no type.
  if (status === "success") return accepted(readRequestId(frame));
  if (status !== undefined) return noTrade(() => ({ kind: "refused", message: readRefusal(frame) }));
  if (type === "ticker") return noTrade(() => tickerFrame(frame, received));
  if (type === "trade") return trades(frame, received);
  if (type === "orderbook") return { kind: "ignored" };
  if (type !== undefined) throw unknownType("type", type);
  throw new FrameError("type: missing, and the frame is no answer either");
}

/** The event of a trade, of a frame or of the history. */
export function tradeOf(
  { tradeId, price, qty, isBuyerTaker, timestamp }: Execution,
  context: Pick<TradeEvent, "instrument" | "received" | "snapshot">,
): TradeEvent {
  return {
    type: "trade",
    instrument: context.instrument,
    id: tradeId,
    price,
    size: qty,
    side: isBuyerTaker ? "buy" : "sell",
    time: timestamp,
    received: context.received,
    snapshot: context.snapshot,
  };
}

function accepted(request: string | null): Parsed {
  return request === null ? { kind: "ignored" } : { kind: "accepted", request };
}

function trades(frame: Fields, received: number | null): Parsed {
  const { symbol, snapshot, data } = readTrades(frame);
  const context = { instrument: symbol.name, received, snapshot };
  return readList(data, "data", (item) => ({ kind: "events", events: [tradeOf(readExecution(item), context)] }));
}

/** The volume is that of the last 24 hours: what was traded leaves it again. */
function tickerFrame(frame: Fields, received: number | null): Parsed {
  const event = ticker(frame, received);
  return tickerWithVolume(event, event.baseVolume24h);
}

function ticker(frame: Fields, received: number | null): TickerEvent {
  const { symbol, timestamp, data } = readTicker(frame);
  const { close: price, prevClose } = data;
  return {
    type: "ticker",
    instrument: symbol.name,
    price,
    size: null,
    side: null,
    open: data.open,
    high: data.high,
    low: data.low,
    prevClose,
    // close − prevClose, as every frame shows. The documentation's formula has it the other way round.
    change: data.priceChange ?? (prevClose === null ? null : subtractDecimals(price, prevClose)),
    changePct: data.priceChangePercent,
    window: "24h",
    baseVolume24h: data.volume,
    quoteVolume24h: data.quoteVolume,
    bid: data.bestBidPrice,
    ask: data.bestAskPrice,
    status: null,
    time: data.lastTradedAt ?? timestamp,
    received,
  };
}

/** Upbit's frames, https://docs.upbit.com: `ticker` and `trade` in all four formats (long or short keys, alone or in a list). */

import { shiftDecimal, subtractDecimals } from "../../../protocol/decimal.ts";
import type { Ticker, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { type Fields, isFields, noTrade, readJson, readList, unknownType } from "../frames.ts";
import { keyOf, readRefusal, readTicker, readTrade, type TickerFields } from "./fields.ts";

/** @throws {FrameError} naming the field that is wrong, with the sound events of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!Array.isArray(frame)) return parseObject(frame, received);
  return readList(frame, "", (item) => parseObject(item, received));
}

function parseObject(frame: unknown, received: number | null): Parsed {
  if (!isFields(frame)) throw new FrameError("a frame must be an object or a list of objects");
  const type = frame["type"] ?? frame["ty"];
  if (type === "trade") return { kind: "events", events: [trade(frame, received)] };
  if (type === "ticker") return noTrade(() => tickerFrame(frame, received));
  if (type === "orderbook" || (typeof type === "string" && type.startsWith("candle."))) return { kind: "ignored" };
  if (type !== undefined) throw unknownType(keyOf("type", frame), type);
  const refusal = readRefusal(frame);
  if (refusal !== null) return { kind: "refused", message: refusal };
  if (typeof frame["status"] === "string" || frame["method"] === "LIST_SUBSCRIPTIONS") return { kind: "ignored" };
  throw new FrameError("type: missing, and the frame is neither a status nor an error");
}

function trade(frame: Fields, received: number | null): TradeEvent {
  const fields = readTrade(frame);
  return {
    type: "trade",
    instrument: fields.code.name,
    id: fields.sequential_id,
    price: fields.trade_price,
    size: fields.trade_volume,
    side: fields.ask_bid,
    time: fields.trade_timestamp,
    received,
    snapshot: fields.stream_type === "SNAPSHOT",
  };
}

function tickerFrame(frame: Fields, received: number | null): Parsed {
  const fields = readTicker(frame);
  const event = ticker(fields, received);
  const { acc_trade_volume: volume } = fields;
  return {
    kind: "events",
    events: [event],
    ...(volume === null ? {} : { volumes: new Map([[event.instrument, volume]]) }),
  };
}

function ticker(fields: TickerFields, received: number | null): TickerEvent {
  const { trade_price: price, prev_closing_price: prevClose, signed_change_rate: ratio } = fields;
  return {
    type: "ticker",
    instrument: fields.code.name,
    price,
    size: fields.trade_volume,
    side: fields.ask_bid,
    open: fields.opening_price,
    high: fields.high_price,
    low: fields.low_price,
    prevClose,
    change: fields.signed_change_price ?? (prevClose === null ? null : subtractDecimals(price, prevClose)),
    changePct: ratio === null ? null : shiftDecimal(ratio, 2),
    window: "utc-day",
    baseVolume24h: fields.acc_trade_volume_24h,
    quoteVolume24h: fields.acc_trade_price_24h,
    bid: null,
    ask: null,
    status: status(fields),
    time: fields.trade_timestamp,
    received,
  };
}

// A market in preview or delisted is not traded either: which of them it is says more than that it is suspended.
function status({ market_state: state, is_trading_suspended: suspended }: TickerFields): Ticker["status"] {
  if (state === "PREVIEW") return "preview";
  if (state === "DELISTED") return "delisting";
  if (suspended === true) return "suspended";
  return state === "ACTIVE" ? "active" : null;
}

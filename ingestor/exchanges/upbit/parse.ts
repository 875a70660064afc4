/** Upbit's frames, https://docs.upbit.com: `ticker` and `trade` in all four formats (long or short keys, alone or in a list). */

import { type Decimal, shiftDecimal, subtractDecimals, toDecimal } from "../../../protocol/decimal.ts";
import type { Side, Ticker, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { type InstrumentName, instrument, isCode } from "../../../protocol/instrument.ts";
import { parseExactJson } from "../exact-json.ts";
import { FrameError, type Parsed, type ParsedEvent } from "../exchange.ts";
import { type Envelope, isEnvelope, keyOf, readRefusal, readTicker, readTrade, type TickerFields } from "./fields.ts";

const SIDES: Readonly<Record<"ASK" | "BID", Side>> = { ASK: "sell", BID: "buy" };

/** @throws {FrameError} naming the field that is wrong, with the sound events of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!Array.isArray(frame)) return parseObject(frame, received);
  const events: ParsedEvent[] = [];
  const wrong: string[] = [];
  for (const [index, item] of frame.entries()) {
    try {
      const parsed = parseObject(item, received);
      if (parsed.kind === "refused") return parsed;
      if (parsed.kind === "events") events.push(...parsed.events);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      wrong.push(`[${index}] ${error.message}`);
    }
  }
  if (wrong.length > 0) throw new FrameError(wrong.join("; "), events);
  return events.length > 0 ? { kind: "events", events } : { kind: "ignored" };
}

function readJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`not JSON: ${error.message}`);
  }
}

function parseObject(frame: unknown, received: number | null): Parsed {
  if (!isEnvelope(frame)) throw new FrameError("a frame must be an object or a list of objects");
  const type = frame.type ?? frame.ty;
  if (type === "trade") return { kind: "events", events: [trade(frame, received)] };
  if (type === "ticker") return { kind: "events", events: [ticker(frame, received)] };
  if (type === "orderbook" || (typeof type === "string" && type.startsWith("candle."))) return { kind: "ignored" };
  if (type !== undefined)
    throw new FrameError(`${keyOf("type", frame)}: ${JSON.stringify(type).slice(0, 40)} is unknown`);
  const refusal = readRefusal(frame);
  if (refusal !== null) return { kind: "refused", message: refusal };
  if (typeof frame.status === "string" || frame.method === "LIST_SUBSCRIPTIONS") return { kind: "ignored" };
  throw new FrameError("type: missing, and the frame is neither a status nor an error");
}

function trade(frame: Envelope, received: number | null): TradeEvent {
  const fields = readTrade(frame);
  return {
    type: "trade",
    instrument: instrumentOf(fields.code, frame),
    id: fields.sequential_id,
    price: toDecimal(fields.trade_price),
    size: toDecimal(fields.trade_volume),
    side: SIDES[fields.ask_bid],
    time: Number(fields.trade_timestamp),
    received,
    snapshot: fields.stream_type === "SNAPSHOT",
  };
}

function ticker(frame: Envelope, received: number | null): TickerEvent {
  const fields = readTicker(frame);
  const price = toDecimal(fields.trade_price);
  const prevClose = decimal(fields.prev_closing_price);
  const rate = decimal(fields.signed_change_rate);
  return {
    type: "ticker",
    instrument: instrumentOf(fields.code, frame),
    price,
    size: decimal(fields.trade_volume),
    side: fields.ask_bid == null ? null : SIDES[fields.ask_bid],
    open: decimal(fields.opening_price),
    high: decimal(fields.high_price),
    low: decimal(fields.low_price),
    prevClose,
    change: decimal(fields.signed_change_price) ?? (prevClose === null ? null : subtractDecimals(price, prevClose)),
    changePct: rate === null ? null : shiftDecimal(rate, 2),
    window: "utc-day",
    baseVolume24h: decimal(fields.acc_trade_volume_24h),
    quoteVolume24h: decimal(fields.acc_trade_price_24h),
    bid: null,
    ask: null,
    status: status(fields),
    time: Number(fields.trade_timestamp),
    received,
  };
}

function decimal(text: string | null | undefined): Decimal | null {
  return text == null ? null : toDecimal(text);
}

// A market in preview or delisted is not traded either: which of them it is says more than that it is suspended.
function status({ market_state: state, is_trading_suspended: suspended }: TickerFields): Ticker["status"] {
  if (state === "PREVIEW") return "preview";
  if (state === "DELISTED") return "delisting";
  if (suspended === true) return "suspended";
  return state === "ACTIVE" ? "active" : null;
}

/** @throws {FrameError} when it is not `QUOTE-BASE` */
function instrumentOf(market: string, frame: Envelope): InstrumentName {
  const [base, quote] = splitCode(market);
  if (isCode(base) && isCode(quote)) return instrument("upbit", base, quote).name;
  throw new FrameError(`${keyOf("code", frame)}: "${market.slice(0, 40)}" is not QUOTE-BASE, e.g. KRW-BTC`);
}

/** Upbit writes the quote first: `KRW-BTC` is `["BTC", "KRW"]`. */
export function splitCode(market: string): [base: string, quote: string] {
  const dash = market.indexOf("-");
  return [market.slice(dash + 1), market.slice(0, Math.max(dash, 0))];
}

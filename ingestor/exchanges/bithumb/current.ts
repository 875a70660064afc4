/**
 * Frames of the present generation (since September 2024), with long or short keys. They look like Upbit's and mean
 * something else: their day begins at midnight in Korea, and so do their date and time strings, which say no offset.
 */

import { z } from "zod";
import { shiftDecimal, subtractDecimals } from "../../../protocol/decimal.ts";
import type { Side, Ticker, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import {
  amount,
  type Fields,
  field,
  integer,
  milliseconds,
  noTrade,
  orNull,
  readFields,
  signed,
  unknownType,
} from "../frames.ts";
import { quoteFirst } from "./fields.ts";

/** The short key of each field that we read, as the SIMPLE format writes it. */
const SHORT: Readonly<Record<string, string>> = {
  type: "ty",
  code: "cd",
  trade_price: "tp",
  trade_volume: "tv",
  ask_bid: "ab",
  trade_timestamp: "ttms",
  sequential_id: "sid",
  stream_type: "st",
  opening_price: "op",
  high_price: "hp",
  low_price: "lp",
  prev_closing_price: "pcp",
  signed_change_price: "scp",
  signed_change_rate: "scr",
  acc_trade_volume: "atv",
  acc_trade_volume_24h: "atv24h",
  acc_trade_price_24h: "atp24h",
  market_state: "ms",
  is_trading_suspended: "its",
};

const SIDES: ReadonlyMap<string, Side> = new Map([
  ["ASK", "sell"],
  ["BID", "buy"],
]);
const takerSide = field("ASK or BID", (askBid) => SIDES.get(askBid));

/** What a trade's frame and its row in the history have in common, but for the id: the history has ids of its own. */
export const execution = z.object({
  trade_price: amount,
  trade_volume: amount,
  ask_bid: takerSide,
  sequential_id: integer,
});

const tradeFrame = execution.extend({
  code: quoteFirst,
  trade_timestamp: milliseconds,
  stream_type: z.enum(["SNAPSHOT", "REALTIME"]),
});

const tickerFrame = z.object({
  code: quoteFirst,
  trade_price: amount,
  trade_timestamp: milliseconds,
  trade_volume: orNull(amount),
  ask_bid: orNull(takerSide),
  opening_price: orNull(amount),
  high_price: orNull(amount),
  low_price: orNull(amount),
  prev_closing_price: orNull(amount),
  signed_change_price: orNull(signed),
  signed_change_rate: orNull(signed),
  acc_trade_volume: orNull(amount),
  acc_trade_volume_24h: orNull(amount),
  acc_trade_price_24h: orNull(amount),
  // States that we don't know are no reason to do without the price.
  market_state: z.enum(["ACTIVE", "PREVIEW", "DELISTED"]).nullable().catch(null),
  is_trading_suspended: z.boolean().nullable().catch(null),
});

const refusal = z.object({ error: z.object({ name: z.string(), message: z.string().default("") }) });

/** @throws {FrameError} naming the field that is wrong */
export function parseCurrent(frame: Fields, received: number | null): Parsed {
  const type = frame["type"] ?? frame["ty"];
  if (type === "trade") return { kind: "events", events: [trade(frame, received)] };
  if (type === "ticker") return noTrade(() => readTicker(frame, received));
  if (type === "orderbook") return { kind: "ignored" };
  if (type !== undefined) throw unknownType(keyIn(frame)("type"), type);
  const { success, data } = refusal.safeParse(frame);
  if (success) return { kind: "refused", message: `${data.error.name}: ${data.error.message}` };
  if (typeof frame["status"] === "string") return { kind: "ignored" };
  throw new FrameError("type: missing, and the frame is neither a status nor an error");
}

function trade(frame: Fields, received: number | null): TradeEvent {
  const fields = read(tradeFrame, frame);
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

function readTicker(frame: Fields, received: number | null): Parsed {
  const fields = read(tickerFrame, frame);
  const event = ticker(fields, received);
  const { acc_trade_volume: volume } = fields;
  return {
    kind: "events",
    events: [event],
    ...(volume === null ? {} : { volumes: new Map([[event.instrument, volume]]) }),
  };
}

function ticker(fields: z.infer<typeof tickerFrame>, received: number | null): TickerEvent {
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
    window: "kst-day",
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
function status(fields: z.infer<typeof tickerFrame>): Ticker["status"] {
  if (fields.market_state === "PREVIEW") return "preview";
  if (fields.market_state === "DELISTED") return "delisting";
  if (fields.is_trading_suspended === true) return "suspended";
  return fields.market_state === "ACTIVE" ? "active" : null;
}

function read<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, frame: Fields): z.infer<z.ZodObject<Shape>> {
  const long = isSimple(frame) ? lengthened(frame, Object.keys(schema.shape)) : frame;
  return readFields(schema, long, keyIn(frame));
}

function isSimple(frame: Fields): boolean {
  return frame["ty"] !== undefined;
}

function lengthened(frame: Fields, keys: readonly string[]): Fields {
  const long: Record<string, unknown> = {};
  for (const key of keys) long[key] = frame[SHORT[key] ?? key];
  return long;
}

/** How this frame spells the name of a field. */
function keyIn(frame: Fields): (field: string) => string {
  return isSimple(frame) ? (field) => `${SHORT[field] ?? field} (${field})` : (field) => field;
}

/**
 * The fields that we read of frames and rows as Upbit sends them, by their long names whichever format they came in.
 * Bithumb's present generation has the same fields.
 */

import { z } from "zod";
import type { Side } from "../../../protocol/events.ts";
import { type Instrument, instrument, isCode } from "../../../protocol/instrument.ts";
import { amount, type Fields, field, integer, milliseconds, orNull, readFields, signed } from "../frames.ts";

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

/** An exchange's codes, quote first: `KRW-BTC` is BTC, priced in KRW. */
export function quoteFirst(exchange: string): z.ZodType<Instrument> {
  return field("QUOTE-BASE, e.g. KRW-BTC", (text) => {
    const [quote = "", base = "", ...more] = text.split("-");
    return more.length === 0 && isCode(base) && isCode(quote) ? instrument(exchange, base, quote) : undefined;
  });
}

const SIDES: ReadonlyMap<string, Side> = new Map([
  ["ASK", "sell"],
  ["BID", "buy"],
]);
const takerSide = field("ASK or BID", (askBid) => SIDES.get(askBid));

/** What a trade's frame and its row in the history have in common. */
const execution = z.object({ trade_price: amount, trade_volume: amount, ask_bid: takerSide, sequential_id: integer });

const tradeRows = z.array(execution.extend({ timestamp: milliseconds }));
const errorFrame = z.object({ error: z.object({ name: z.string(), message: z.string().default("") }) });

/** A `trade` frame of an exchange with such codes. */
function tradeFrame(code: z.ZodType<Instrument>) {
  return execution.extend({
    code,
    trade_timestamp: milliseconds,
    stream_type: z.enum(["SNAPSHOT", "REALTIME"]),
  });
}

/** A `ticker` frame of an exchange with such codes. */
function tickerFrame(code: z.ZodType<Instrument>) {
  return z.object({
    code,
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
}

export type TradeFields = z.infer<ReturnType<typeof tradeFrame>>;
export type TickerFields = z.infer<ReturnType<typeof tickerFrame>>;

/** The readers of an exchange's frames. They throw a {@link FrameError} that names the field that is wrong. */
export interface FrameReaders {
  readonly trade: (frame: Fields) => TradeFields;
  readonly ticker: (frame: Fields) => TickerFields;
}

/** @param code how the exchange's codes are read, see {@link quoteFirst} */
export function frameReaders(code: z.ZodType<Instrument>): FrameReaders {
  const [trade, ticker] = [tradeFrame(code), tickerFrame(code)];
  return { trade: (frame) => read(trade, frame), ticker: (frame) => read(ticker, frame) };
}

/** The rows of `trades/ticks`. @throws {FrameError} naming the row and the field that are wrong */
export function readRows(body: unknown): z.infer<typeof tradeRows> {
  return readFields(tradeRows, body);
}

/** What the exchange says of a request that it did not like, or null when the frame is no such answer. */
export function readRefusal(frame: Fields): string | null {
  const { success, data } = errorFrame.safeParse(frame);
  return success ? `${data.error.name}: ${data.error.message}` : null;
}

/** A field's key as this frame spells it. */
export function keyOf(field: string, frame: Fields): string {
  return isSimple(frame) ? `${SHORT[field] ?? field} (${field})` : field;
}

function read<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, frame: Fields): z.infer<z.ZodObject<Shape>> {
  const long = isSimple(frame) ? lengthened(frame, Object.keys(schema.shape)) : frame;
  return readFields(schema, long, (field) => keyOf(field, frame));
}

function isSimple(frame: Fields): boolean {
  return frame["ty"] !== undefined;
}

function lengthened(frame: Fields, keys: readonly string[]): Fields {
  const long: Record<string, unknown> = {};
  for (const key of keys) long[key] = frame[SHORT[key] ?? key];
  return long;
}

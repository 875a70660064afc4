/** The fields of Upbit's frames that we read, by their long names whichever format they came in. */

import { z } from "zod";
import { FrameError } from "../exchange.ts";

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
  acc_trade_volume_24h: "atv24h",
  acc_trade_price_24h: "atp24h",
  market_state: "ms",
  is_trading_suspended: "its",
};
const KEYS = Object.entries(SHORT);

/** By which fields a frame tells what it is. */
export interface Envelope {
  readonly type?: unknown;
  readonly ty?: unknown;
  readonly status?: unknown;
  readonly method?: unknown;
  readonly error?: unknown;
}

export function isEnvelope(frame: unknown): frame is Envelope {
  return typeof frame === "object" && frame !== null && !Array.isArray(frame);
}

// Numbers arrive as their own digits, see parseExactJson.
const signed = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "a number");
const amount = z.string().regex(/^(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "a number that is not negative");
const milliseconds = z.string().regex(/^\d{13}$/, "milliseconds since 1970");
const askBid = z.enum(["ASK", "BID"]);

const tradeFrame = z.object({
  code: z.string(),
  trade_price: amount,
  trade_volume: amount,
  ask_bid: askBid,
  trade_timestamp: milliseconds,
  sequential_id: z.string().regex(/^(?:0|[1-9]\d*)$/, "an integer"),
  stream_type: z.enum(["SNAPSHOT", "REALTIME"]),
});

const tickerFrame = z.object({
  code: z.string(),
  trade_price: amount,
  trade_timestamp: milliseconds,
  trade_volume: amount.nullish(),
  ask_bid: askBid.nullish(),
  opening_price: amount.nullish(),
  high_price: amount.nullish(),
  low_price: amount.nullish(),
  prev_closing_price: amount.nullish(),
  signed_change_price: signed.nullish(),
  signed_change_rate: signed.nullish(),
  acc_trade_volume_24h: amount.nullish(),
  acc_trade_price_24h: amount.nullish(),
  market_state: z.enum(["ACTIVE", "PREVIEW", "DELISTED"]).nullish(),
  is_trading_suspended: z.boolean().nullish(),
});
type TradeFields = z.infer<typeof tradeFrame>;
export type TickerFields = z.infer<typeof tickerFrame>;

const errorFrame = z.object({ error: z.object({ name: z.string(), message: z.string().default("") }) });

/** @throws {FrameError} naming the field that is wrong */
export function readTrade(frame: Envelope): TradeFields {
  return read(tradeFrame, frame);
}

/** @throws {FrameError} naming the field that is wrong */
export function readTicker(frame: Envelope): TickerFields {
  return read(tickerFrame, frame);
}

/** What Upbit says of a request that it did not like, or null when the frame is no such answer. */
export function readRefusal(frame: Envelope): string | null {
  const { success, data } = errorFrame.safeParse(frame);
  return success ? `${data.error.name}: ${data.error.message}` : null;
}

/** A field's key as this frame spells it: what an error names must be found in the frame. */
export function keyOf(field: string, frame: Envelope): string {
  return isSimple(frame) ? `${SHORT[field] ?? field} (${field})` : field;
}

function read<T>(schema: z.ZodType<T>, frame: Envelope): T {
  const { success, data, error } = schema.safeParse(isSimple(frame) ? lengthened(frame) : frame);
  if (success) return data;
  const wrong = error.issues.map(({ path, message }) => `${keyOf(path.join("."), frame)}: ${message}`);
  throw new FrameError(wrong.join("; "));
}

function isSimple(frame: Envelope): boolean {
  return frame.ty !== undefined;
}

function lengthened(frame: object): object {
  const values = new Map(Object.entries(frame));
  return Object.fromEntries(KEYS.map(([long, short]) => [long, values.get(short)]));
}

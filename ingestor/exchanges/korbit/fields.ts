/** The fields of Korbit's frames that we read. */

import { z } from "zod";
import { FrameError } from "../exchange.ts";

// Prices are text already, and other numbers arrive as their own digits: see parseExactJson.
const signed = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "a number");
const amount = signed.regex(/^[^-]/, "a number that is not negative");
const milliseconds = z.string().regex(/^\d{13}$/, "milliseconds since 1970");

const tickerFrame = z.object({
  symbol: z.string(),
  timestamp: milliseconds,
  data: z.object({
    close: amount,
    open: amount.nullish(),
    high: amount.nullish(),
    low: amount.nullish(),
    prevClose: amount.nullish(),
    priceChange: signed.nullish(),
    priceChangePercent: signed.nullish(),
    volume: amount.nullish(),
    quoteVolume: amount.nullish(),
    bestBidPrice: amount.nullish(),
    bestAskPrice: amount.nullish(),
    lastTradedAt: milliseconds.nullish(),
  }),
});

const tradeFrame = z.object({
  symbol: z.string(),
  // There only when true.
  snapshot: z.boolean().default(false),
  data: z.array(z.unknown()),
});
const execution = z.object({
  timestamp: milliseconds,
  price: amount,
  qty: amount,
  isBuyerTaker: z.boolean(),
  tradeId: z.string().regex(/^\d+$/, "an integer"),
});

const failure = z.object({
  status: z.enum(["fail", "error"]),
  code: z.string().nullish(),
  message: z.string().default(""),
});

/** An object of a frame, before it is known what it holds. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws {FrameError} naming the field that is wrong */
export function readTicker(frame: Fields): z.infer<typeof tickerFrame> {
  return read(tickerFrame, frame);
}

/**
 * Of a trade frame everything but the trades themselves: for those, see {@link readExecution}.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readTrades(frame: Fields): z.infer<typeof tradeFrame> {
  return read(tradeFrame, frame);
}

/** @throws {FrameError} naming the field that is wrong */
export function readExecution(item: unknown): z.infer<typeof execution> {
  return read(execution, item);
}

/**
 * What Korbit says of a request that it did not like.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readRefusal(frame: Fields): string {
  const { code, message } = read(failure, frame);
  return code == null ? message : `${code}: ${message}`;
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const wrong = error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message));
  throw new FrameError(wrong.join("; "));
}

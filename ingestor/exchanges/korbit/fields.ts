/** The fields of Korbit's frames that we read. */

import { z } from "zod";
import { instrument, isCode } from "../../../protocol/instrument.ts";
import { amount, type Fields, field, integer, milliseconds, orNull, readFields, signed } from "../frames.ts";

/** `btc_krw`; Korbit tells capitals apart. */
export const symbol = field("base_quote in lower case, e.g. btc_krw", (text) => {
  const [base = "", quote = "", ...more] = text.toUpperCase().split("_");
  const sound = isCode(base) && isCode(quote) && more.length === 0 && text === `${base}_${quote}`.toLowerCase();
  return sound ? instrument("korbit", base, quote) : undefined;
});

const tickerFrame = z.object({
  symbol,
  timestamp: milliseconds,
  data: z.object({
    close: amount,
    open: orNull(amount),
    high: orNull(amount),
    low: orNull(amount),
    prevClose: orNull(amount),
    priceChange: orNull(signed),
    priceChangePercent: orNull(signed),
    volume: orNull(amount),
    quoteVolume: orNull(amount),
    bestBidPrice: orNull(amount),
    bestAskPrice: orNull(amount),
    lastTradedAt: orNull(milliseconds),
  }),
});

const tradeFrame = z.object({
  symbol,
  // There only when true.
  snapshot: z.boolean().default(false),
  data: z.array(z.unknown()),
});
/** A trade, in frames and in the history alike. */
const execution = z.object({
  timestamp: milliseconds,
  price: amount,
  qty: amount,
  isBuyerTaker: z.boolean(),
  tradeId: integer,
});
const history = z.object({ success: z.literal(true), data: z.array(execution) });

const failure = z.object({
  status: z.enum(["fail", "error"]),
  code: z.string().nullish(),
  message: z.string().default(""),
});
const success = z.object({ requestId: z.string() });

export type Execution = z.infer<typeof execution>;
export type TickerFields = z.infer<typeof tickerFrame>;

/** @throws {FrameError} naming the field that is wrong */
export function readTicker(frame: Fields): TickerFields {
  return readFields(tickerFrame, frame);
}

/**
 * Of a trade frame everything but the trades themselves: for those, see {@link readExecution}.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readTrades(frame: Fields): z.infer<typeof tradeFrame> {
  return readFields(tradeFrame, frame);
}

/** @throws {FrameError} naming the field that is wrong */
export function readExecution(item: unknown): Execution {
  return readFields(execution, item);
}

/** The trades of an answer of `/v2/trades`. @throws {FrameError} naming the row and the field that are wrong */
export function readHistory(body: unknown): Execution[] {
  return readFields(history, body).data;
}

/**
 * What Korbit says of a request that it did not like.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readRefusal(frame: Fields): string {
  const { code, message } = readFields(failure, frame);
  return code == null ? message : `${code}: ${message}`;
}

/** The id of the request that a success belongs to, or null when it names none. */
export function readRequestId(frame: Fields): string | null {
  return success.safeParse(frame).data?.requestId ?? null;
}

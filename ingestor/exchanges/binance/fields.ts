/** The fields of Binance's frames that we read, under the letters that Binance gives them. */

import { z } from "zod";
import { FrameError } from "../exchange.ts";

// Prices are text already, and other numbers arrive as their own digits: see parseExactJson.
const signed = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "a number");
const amount = signed.regex(/^[^-]/, "a number that is not negative");
// Microseconds come only to who asks for them (`timeUnit`); taken for milliseconds, they would lie far in the future.
const milliseconds = z.string().regex(/^\d{13}$/, "milliseconds since 1970");
const id = z.string().regex(/^\d+$/, "an integer");

const execution = z.object({ s: z.string(), p: amount, q: amount, T: milliseconds, m: z.boolean() });
const tradeFrame = execution.extend({ t: id });
const aggTradeFrame = execution.extend({ a: id });

/** Both tickers: 24hrMiniTicker is 24hrTicker with nothing but prices and volumes. */
const tickerFrame = z.object({
  s: z.string(),
  E: milliseconds,
  c: amount,
  Q: amount.nullish(),
  o: amount.nullish(),
  h: amount.nullish(),
  l: amount.nullish(),
  x: amount.nullish(),
  p: signed.nullish(),
  P: signed.nullish(),
  v: amount.nullish(),
  q: amount.nullish(),
  b: amount.nullish(),
  a: amount.nullish(),
});

const refusal = z.object({ code: z.string(), msg: z.string() });

/** An object of a frame, before it is known what it holds. */
export type Fields = Readonly<Record<string, unknown>>;
export type Execution = z.infer<typeof execution> & { readonly id: string };
export type TickerFields = z.infer<typeof tickerFrame>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws {FrameError} naming the field that is wrong */
export function readTrade(fields: Fields): Execution {
  const { t, ...more } = read(tradeFrame, fields);
  return { ...more, id: t };
}

/**
 * Its ids are a space of their own: an aggTrade's `a` is no trade's `t`.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readAggTrade(fields: Fields): Execution {
  const { a, ...more } = read(aggTradeFrame, fields);
  return { ...more, id: a };
}

/** @throws {FrameError} naming the field that is wrong */
export function readTicker(fields: Fields): TickerFields {
  return read(tickerFrame, fields);
}

/** What Binance says of a request that it did not like, or null when the frame is no such answer. */
export function readRefusal(fields: Fields): string | null {
  const { success, data } = refusal.safeParse(fields["error"] ?? fields);
  return success ? `${data.code}: ${data.msg}` : null;
}

function read<T>(schema: z.ZodType<T>, fields: Fields): T {
  const { success, data, error } = schema.safeParse(fields);
  if (success) return data;
  throw new FrameError(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}

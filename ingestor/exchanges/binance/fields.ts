/** The fields of Binance's frames that we read, under the letters that Binance gives them. */

import { z } from "zod";
import { amount, type Fields, field, integer, integerIn, milliseconds, orNull, readFields, signed } from "../frames.ts";

// Microseconds come only to who asks for them (`timeUnit`).
const execution = z.object({ s: z.string(), p: amount, q: amount, T: milliseconds, m: z.boolean() });
const tradeFrame = execution.extend({ t: integer });
const aggTradeFrame = execution.extend({ a: integer });

/** Of the newest trade; -1 says that there was none. */
const lastId = field("an integer", (text) => (text === "-1" ? null : integerIn(text)));

/** Both tickers: 24hrMiniTicker is 24hrTicker with nothing but prices and volumes. */
const tickerFrame = z.object({
  s: z.string(),
  E: milliseconds,
  c: amount,
  Q: orNull(amount),
  o: orNull(amount),
  h: orNull(amount),
  l: orNull(amount),
  x: orNull(amount),
  p: orNull(signed),
  P: orNull(signed),
  v: orNull(amount),
  q: orNull(amount),
  b: orNull(amount),
  a: orNull(amount),
  L: orNull(lastId),
});

const refusal = z.object({ code: z.string(), msg: z.string() });
const answer = z.object({ id: z.string() });

export type Execution = z.infer<typeof execution> & { readonly id: string };
export type TickerFields = z.infer<typeof tickerFrame>;

/** @throws {FrameError} naming the field that is wrong */
export function readTrade(fields: Fields): Execution {
  const { t, ...more } = readFields(tradeFrame, fields);
  return { ...more, id: t };
}

/**
 * Its ids are a space of their own: an aggTrade's `a` is no trade's `t`.
 *
 * @throws {FrameError} naming the field that is wrong
 */
export function readAggTrade(fields: Fields): Execution {
  const { a, ...more } = readFields(aggTradeFrame, fields);
  return { ...more, id: a };
}

/** @throws {FrameError} naming the field that is wrong */
export function readTicker(fields: Fields): TickerFields {
  return readFields(tickerFrame, fields);
}

/** What Binance says of a request that it did not like, or null when the frame is no such answer. */
export function readRefusal(fields: Fields): string | null {
  const { success, data } = refusal.safeParse(fields["error"] ?? fields);
  return success ? `${data.code}: ${data.msg}` : null;
}

/** The id of the request that a frame answers, or null when it names none. */
export function readRequestId(fields: Fields): string | null {
  return answer.safeParse(fields).data?.id ?? null;
}

/** What both generations of Bithumb's frames have in common: how a field is checked and turned into what we say of it. */

import { z } from "zod";
import { toDecimal } from "../../../protocol/decimal.ts";
import { instrument, isCode } from "../../../protocol/instrument.ts";
import { FrameError } from "../exchange.ts";

/** A JSON object of which nothing is known yet. */
export type Frame = Readonly<Record<string, unknown>>;

export function isFrame(value: unknown): value is Frame {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// The present generation sends numbers, which arrive as their own digits (see parseExactJson), the older one strings.
const signed = z
  .string()
  .regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "not a number")
  .transform(toDecimal);
export const amount = z
  .string()
  .regex(/^(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "not a number of 0 or more")
  .transform(toDecimal);

/** A field that may be left out. */
export const signedOrNull = signed.nullable().default(null);
export const amountOrNull = amount.nullable().default(null);

/** The present generation's code, quote first: `KRW-BTC`. */
export const quoteFirst = twoCodes("-", "QUOTE-BASE, e.g. KRW-BTC").transform(([quote = "", base = ""]) =>
  instrument("bithumb", base, quote),
);
/** The older generation's symbol, base first: `BTC_KRW`. */
export const baseFirst = twoCodes("_", "BASE_QUOTE, e.g. BTC_KRW").transform(([base = "", quote = ""]) =>
  instrument("bithumb", base, quote),
);

function twoCodes(separator: string, form: string) {
  return z
    .string()
    .transform((text) => text.split(separator))
    .refine((codes) => codes.length === 2 && codes.every(isCode), { error: `not ${form}` });
}

/**
 * @param keyOf a field's key as the frame spells it: what an error names must be found in the frame
 * @throws {FrameError} naming the fields that are wrong
 */
export function read<T>(schema: z.ZodType<T>, value: unknown, keyOf = (field: string) => field): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const wrong = error.issues.map(({ path, message }) => [keyOf(path.join(".")), message].filter(Boolean).join(": "));
  throw new FrameError(wrong.join("; "));
}

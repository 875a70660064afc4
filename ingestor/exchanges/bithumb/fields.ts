/** What both generations of Bithumb's frames have in common: how they write what is traded. */

import { instrument, isCode } from "../../../protocol/instrument.ts";
import { field } from "../frames.ts";

/** The present generation's code, quote first: `KRW-BTC`. */
export const quoteFirst = field("QUOTE-BASE, e.g. KRW-BTC", (text) => {
  const [quote, base] = twoCodes(text, "-") ?? [];
  return quote === undefined || base === undefined ? undefined : instrument("bithumb", base, quote);
});
/** The older generation's symbol, base first: `BTC_KRW`. */
export const baseFirst = field("BASE_QUOTE, e.g. BTC_KRW", (text) => {
  const [base, quote] = twoCodes(text, "_") ?? [];
  return quote === undefined || base === undefined ? undefined : instrument("bithumb", base, quote);
});

function twoCodes(text: string, separator: string): string[] | undefined {
  const codes = text.split(separator);
  return codes.length === 2 && codes.every(isCode) ? codes : undefined;
}

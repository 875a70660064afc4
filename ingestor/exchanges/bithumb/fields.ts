/** What both generations of Bithumb's frames have in common: how they write what is traded. */

import { instrument, isCode } from "../../../protocol/instrument.ts";
import { field } from "../frames.ts";
import { quoteFirst as quoteFirstOf } from "../upbit-protocol/fields.ts";

/** The present generation's code, quote first: `KRW-BTC`. */
export const quoteFirst = quoteFirstOf("bithumb");
/** The older generation's symbol, base first: `BTC_KRW`. */
export const baseFirst = field("BASE_QUOTE, e.g. BTC_KRW", (text) => {
  const [base = "", quote = "", ...more] = text.split("_");
  return more.length === 0 && isCode(base) && isCode(quote) ? instrument("bithumb", base, quote) : undefined;
});

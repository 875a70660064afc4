/** The market list as Upbit gives it (`/v1/market/all`), and Bithumb too. */

import { z } from "zod";
import type { Market } from "../../../protocol/ingest.ts";
import type { Instrument } from "../../../protocol/instrument.ts";
import type { OnOddRow } from "../exchange.ts";
import { checkList, marketOf, readRows } from "../markets.ts";

/** @param code how the exchange's codes are read */
export function marketRow(code: z.ZodType<Instrument>) {
  return z.object({
    market: code,
    korean_name: z.string().nullish(),
    english_name: z.string().nullish(),
    market_warning: z.string().nullish(),
  });
}
type MarketRow = z.infer<ReturnType<typeof marketRow>>;

/**
 * The reader of an exchange's list. It throws when it is no list, or one of which no row can be read, naming the fields that
 * are wrong.
 *
 * @param exchange as people write it, e.g. Upbit
 * @param warningOf what a row warns of; null where it warns of nothing
 */
export function listReader<Row extends MarketRow>(
  exchange: string,
  schema: z.ZodType<Row>,
  warningOf: (row: Row) => string | null,
): (list: unknown, onOdd?: OnOddRow) => Market[] {
  const toMarket = (row: Row) => {
    const { market, korean_name: ko = null, english_name: en = null } = row;
    // The list does not say the status; the ticker does.
    return marketOf(market, `${market.quote}-${market.base}`, { names: { ko, en }, warning: warningOf(row) });
  };
  const reader = { exchange, schema, toMarket };
  return (list, onOdd) => readRows(reader, checkList(exchange, z.array(z.unknown()), list), onOdd);
}

/** The parser of an exchange for recordings: with the market list of a file, where its symbols need one. */

import { readFile } from "node:fs/promises";
import type { Exchange, Parse } from "../exchanges/exchange.ts";
import { reasonOf } from "../logger.ts";

/** Some editors and tools begin a file with it; JSON does not allow it. */
export const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * @param file the body of the exchange's own REST answer; undefined where none is needed
 * @param complain takes a line for each row that is left out
 * @throws {Error} when it can't be read, naming the file
 */
export async function parserFor(
  exchange: Exchange,
  file: string | undefined,
  complain: (line: string) => void,
): Promise<Parse> {
  if (file === undefined) return exchange.parser([]);
  try {
    const body = (await readFile(file, "utf8")).replace(BYTE_ORDER_MARK, "");
    return exchange.parser(exchange.readMarkets(body, ({ reason }) => complain(`${file}: left out: ${reason}`)));
  } catch (error) {
    throw new Error(`${file}: ${reasonOf(error)}`, { cause: error });
  }
}

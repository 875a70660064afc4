/** Every exchange that can be collected. A new one is a folder beside this file and a line here. */

import { binance } from "./binance/index.ts";
import { bithumb } from "./bithumb/index.ts";
import type { Exchange } from "./exchange.ts";
import { korbit } from "./korbit/index.ts";
import { upbit } from "./upbit/index.ts";

export const exchanges: readonly Exchange[] = [upbit, bithumb, binance, korbit];

/** Thrown for a name that no adapter answers to; lists those that do. */
export class UnknownExchangeError extends Error {
  override readonly name = "UnknownExchangeError";
}

/** @throws {UnknownExchangeError} */
export function findExchange(name: string): Exchange {
  const found = exchanges.find((exchange) => exchange.name === name);
  if (found !== undefined) return found;
  const names = exchanges.map((exchange) => exchange.name).join(" or ");
  throw new UnknownExchangeError(`there is no exchange "${name.slice(0, 40)}": use ${names}`);
}

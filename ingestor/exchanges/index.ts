/** Every exchange that can be collected. A new one is a folder beside this file and a line here. */

import type { Exchange } from "./exchange.ts";
import { upbit } from "./upbit/index.ts";

const exchanges: ReadonlyMap<string, Exchange> = new Map([upbit].map((exchange) => [exchange.name, exchange]));

/** Thrown for a name that no adapter answers to; lists those that do. */
export class UnknownExchangeError extends Error {
  override readonly name = "UnknownExchangeError";
}

/** @throws {UnknownExchangeError} */
export function findExchange(name: string): Exchange {
  const found = exchanges.get(name);
  if (found !== undefined) return found;
  throw new UnknownExchangeError(
    `there is no exchange "${name.slice(0, 40)}": use ${[...exchanges.keys()].join(" or ")}`,
  );
}

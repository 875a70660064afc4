/** Every exchange whose frames can be read. A new one is a folder beside this file and a line here. */

import { binance } from "./binance/index.ts";
import { bithumb } from "./bithumb/index.ts";
import type { Exchange } from "./exchange.ts";
import { korbit } from "./korbit/index.ts";
import { upbit } from "./upbit/index.ts";

const readable = byName([upbit, bithumb, binance, korbit]);
/** The others' frames are read already; connecting to them comes when the collector keeps to their limits. */
const collected = byName([upbit]);

/** Thrown for a name that no adapter answers to; lists those that do. */
export class UnknownExchangeError extends Error {
  override readonly name = "UnknownExchangeError";
}

/** An exchange that can be collected. @throws {UnknownExchangeError} */
export function findExchange(name: string): Exchange {
  return find(name, collected);
}

/** An exchange whose frames can be read, from a recording. @throws {UnknownExchangeError} */
export function findReadable(name: string): Exchange {
  return find(name, readable);
}

function byName(exchanges: readonly Exchange[]): ReadonlyMap<string, Exchange> {
  return new Map(exchanges.map((exchange) => [exchange.name, exchange]));
}

function find(name: string, among: ReadonlyMap<string, Exchange>): Exchange {
  const found = among.get(name);
  if (found !== undefined) return found;
  const names = [...among.keys()].join(" or ");
  const why = readable.has(name) ? `"${name}" is not collected yet` : `there is no exchange "${name.slice(0, 40)}"`;
  throw new UnknownExchangeError(`${why}: use ${names}`);
}

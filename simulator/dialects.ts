/** Every exchange that can be simulated. A new one is a folder beside this file and a line here. */

import { binance } from "./binance/dialect.ts";
import { bithumb } from "./bithumb/dialect.ts";
import type { Dialect } from "./dialect.ts";
import { korbit } from "./korbit/dialect.ts";
import { upbit } from "./upbit/dialect.ts";

export const dialects: readonly Dialect[] = [upbit, bithumb, binance, korbit];

/** Thrown for a name that no dialect has; lists those that there are. */
export class UnknownDialectError extends Error {
  override readonly name = "UnknownDialectError";
}

/** @throws {UnknownDialectError} */
export function findDialect(name: string): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found) return found;
  const names = dialects.map((dialect) => dialect.name).join(" or ");
  throw new UnknownDialectError(`there is no simulator of "${name.slice(0, 40)}": use ${names}`);
}

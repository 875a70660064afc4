/** What the query of a REST request says, read as strictly as Binance does. */

import { Refusal } from "./refusal.ts";

/**
 * Refuses parameters that an endpoint does not have.
 * @throws {Refusal} -1104 when there are any
 */
export function allow(query: URLSearchParams, names: readonly string[]): void {
  const unknown = [...query.keys()].filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  const message = `Not all sent parameters were read; not read: '${unknown.join("', '")}', there are '${names.join("', '")}'.`;
  throw new Refusal(400, -1104, message);
}

/**
 * A whole number from the query; undefined when it is not there.
 * @throws {Refusal} -1102 when it is not one
 */
export function whole(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new Refusal(400, -1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
}

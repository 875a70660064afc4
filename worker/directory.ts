/** The registry as this Worker sees it: asked at most once a second, so that a request usually costs no call. */

import { Directory } from "../durable-objects/registry/directory.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { type Instrument, parseExchange, withSymbol } from "../protocol/instrument.ts";
import type { Env } from "./env.ts";
import { registryOf } from "./objects.ts";

/** How long a view serves, ms. */
const FRESH = 1000;

let cached: { readonly view: Directory; readonly at: number } | undefined;

/** The registry's view, at most a second old. */
export async function directory(env: Env, now = Date.now()): Promise<Directory> {
  if (cached !== undefined && now - cached.at < FRESH) return cached.view;
  const known = cached?.view;
  const fresh = Directory.of(await registryOf(env).view(known?.version), known);
  cached = { view: fresh, at: now };
  return fresh;
}

/** What was just put is to be seen at once, at least here. */
export function forgetDirectory(): void {
  if (cached !== undefined) cached = { ...cached, at: 0 };
}

/**
 * The instrument that a path names, if it is in the registry: what isn't wakes no object.
 *
 * @throws {ProtocolError} `bad_request` for a malformed name, `unknown_instrument`
 */
export async function knownInstrument(env: Env, exchange: string, symbol: string): Promise<Instrument> {
  const found = withSymbol(parseExchange(exchange), symbol);
  const registry = await directory(env);
  if (registry.has(found.name)) return found;
  const swapped = `${found.exchange}:${found.quote}-${found.base}`;
  const hint = registry.has(swapped) ? `did you mean ${swapped}?` : "see /v1/markets for those there are";
  throw new ProtocolError("unknown_instrument", `there is no ${found.name}: ${hint}`);
}

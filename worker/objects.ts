/**
 * Where the Worker finds its objects, by what they are of. Every stub says where the object should live, since whoever
 * asks first makes it, and it never moves.
 */

import { objectName } from "../durable-objects/object-name.ts";
import type { Env } from "./env.ts";
import { NEAR_INGESTORS, nearExchange } from "./near-exchange.ts";

/** @param instrument in the registry: what isn't wakes no object */
export function feedOf(env: Env, instrument: string) {
  return env.SYMBOL_FEED.getByName(objectName(env.PRICES, instrument), nearExchange(instrument));
}

/** @param market `upbit:*-KRW` */
export function marketFeedOf(env: Env, market: string) {
  return env.MARKET_FEED.getByName(objectName(env.PRICES, market), nearExchange(market));
}

export function registryOf(env: Env) {
  return env.REGISTRY.getByName(objectName(env.PRICES, "registry"), NEAR_INGESTORS);
}

export function leaseOf(env: Env, exchange: string) {
  return env.COLLECTOR_LEASE.getByName(objectName(env.PRICES, exchange), nearExchange(exchange));
}

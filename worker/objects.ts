/**
 * Where the Worker finds its objects, by what they are of. Every stub says where the object should live, since whoever
 * asks first makes it, and it never moves.
 */

import { NEAR_INGESTORS, nearExchange } from "../durable-objects/near-exchange.ts";
import { objectName } from "../durable-objects/object-name.ts";
import type { Env } from "./env.ts";

/** @param instrument in the registry: what isn't wakes no object */
export function feedOf(env: Env, instrument: string) {
  return env.SYMBOL_FEED.getByName(objectName(env.PRICES, instrument), nearExchange(instrument));
}

/** The feed of one partition of an exchange's log. */
export function partitionFeedOf(env: Env, exchange: string, partition: number) {
  return env.PARTITION_FEED.getByName(objectName(env.PRICES, `${exchange}/${partition}`), nearExchange(exchange));
}

export function registryOf(env: Env) {
  return env.REGISTRY.getByName(objectName(env.PRICES, "registry"), NEAR_INGESTORS);
}

export function leaseOf(env: Env, exchange: string) {
  return env.COLLECTOR_LEASE.getByName(objectName(env.PRICES, exchange), nearExchange(exchange));
}

/**
 * Where the Worker finds its objects, by what they are of. Every stub says where the object should live, since whoever
 * asks first makes it, and it never moves.
 */

import { NEAR_INGESTORS, nearExchange } from "../durable-objects/near-exchange.ts";
import { objectName } from "../durable-objects/object-name.ts";
import type { Env } from "./env.ts";
import { inRegion } from "./region.ts";

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

/** A relay of a region, where clients of many streams are. */
export function relayOf(env: Env, region: string, shard: number) {
  return env.FANOUT_RELAY.getByName(objectName(env.PRICES, `${region}-${shard}`), inRegion(region));
}

/** @throws {TypeError} where the setting is no whole number above 0 */
export function relaysPerRegion({ RELAYS_PER_REGION = "1" }: Env): number {
  const count = Number(RELAYS_PER_REGION);
  if (Number.isInteger(count) && count > 0) return count;
  throw new TypeError(`RELAYS_PER_REGION must be a whole number above 0, not "${RELAYS_PER_REGION}"`);
}

/** Where the Worker finds its objects, by what they are of. */

import type { Env } from "../durable-objects/env.ts";
import { objectName } from "../durable-objects/object-name.ts";

type Where = DurableObjectNamespaceGetDurableObjectOptions;

/** @param instrument in the registry: what isn't wakes no object */
export function feedOf(env: Env, instrument: string, where?: Where) {
  return env.SYMBOL_FEED.getByName(objectName(env.PRICES, instrument), where);
}

/** @param market `upbit:*-KRW` */
export function marketFeedOf(env: Env, market: string, where?: Where) {
  return env.MARKET_FEED.getByName(objectName(env.PRICES, market), where);
}

export function registryOf(env: Env) {
  return env.REGISTRY.getByName(objectName(env.PRICES, "registry"));
}

export function leaseOf(env: Env, exchange: string, where?: Where) {
  return env.COLLECTOR_LEASE.getByName(objectName(env.PRICES, exchange), where);
}

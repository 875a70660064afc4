/** What `wrangler.toml` binds for the Worker, beside the settings that its objects are given too. */

import type { CollectorLease } from "../durable-objects/collector-lease/collector-lease.ts";
import type { FanoutRelay } from "../durable-objects/fanout-relay/fanout-relay.ts";
import type { PartitionFeed } from "../durable-objects/partition-feed/partition-feed.ts";
import type { Registry } from "../durable-objects/registry/registry.ts";
import type { Settings } from "../durable-objects/settings.ts";
import type { SymbolFeed } from "../durable-objects/symbol-feed/symbol-feed.ts";

export interface Env extends Settings {
  readonly SYMBOL_FEED: DurableObjectNamespace<SymbolFeed>;
  readonly PARTITION_FEED: DurableObjectNamespace<PartitionFeed>;
  readonly FANOUT_RELAY: DurableObjectNamespace<FanoutRelay>;
  readonly REGISTRY: DurableObjectNamespace<Registry>;
  readonly COLLECTOR_LEASE: DurableObjectNamespace<CollectorLease>;
  /** How often an address may open a connection, and ask anything else. */
  readonly CONNECTION_LIMITER: RateLimit;
  readonly REQUEST_LIMITER: RateLimit;
  /** The files of `[assets]`, which the Worker alone serves. */
  readonly ASSETS: Fetcher;
}

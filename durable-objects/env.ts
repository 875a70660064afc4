/** What `wrangler.toml` and the deployment's secrets give to the Worker and its objects. */

import type { Source } from "../protocol/events.ts";
import type { CollectorLease } from "./collector-lease.ts";
import type { MarketFeed } from "./market-feed.ts";
import type { Registry } from "./registry.ts";
import type { SymbolFeed } from "./symbol-feed.ts";

export interface Env {
  readonly SYMBOL_FEED: DurableObjectNamespace<SymbolFeed>;
  readonly MARKET_FEED: DurableObjectNamespace<MarketFeed>;
  readonly REGISTRY: DurableObjectNamespace<Registry>;
  readonly COLLECTOR_LEASE: DurableObjectNamespace<CollectorLease>;
  /** The files of `[assets]`, which the Worker alone serves. */
  readonly ASSETS: Fetcher;
  /** The origins that the deployment is reached at, with commas between; the first one is its name. */
  readonly PUBLIC_URL?: string;
  /** Shared with the ingestor: who has it may publish. A deployment without it lets nobody publish. */
  readonly INGEST_TOKEN?: string;
  /** The operator's: who has it says what is collected. A deployment without it lets nobody. */
  readonly ADMIN_TOKEN?: string;
  /** Both or neither: without them REST reads the objects. */
  readonly UPSTASH_REDIS_REST_URL?: string;
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  /** What the prices are; `live` where it is absent. Others have objects and Redis keys of their own. */
  readonly PRICES?: Source;
  /** Put before every Redis key, so that simulated and real prices never share a hash. */
  readonly REDIS_PREFIX?: string;
  /** `refused` agrees to no compression on clients' sockets: a small message may unpack to a very large one. */
  readonly WEBSOCKET_COMPRESSION?: string;
  /** `listened` writes only instruments that someone listens to: every write is billed. */
  readonly REDIS_WRITES?: string;
}

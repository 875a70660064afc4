/** The variables and secrets that a deployment sets, for the Worker and its objects. */

import type { Source } from "../protocol/events.ts";

export interface Settings {
  /** The origins that the deployment is reached at, with commas between; the first one is its name. */
  readonly PUBLIC_URL?: string;
  /** The origins whose pages may ask, with commas between; any where it is absent. Those of PUBLIC_URL always may. */
  readonly ALLOWED_ORIGINS?: string;
  /** Shared with the ingestor: who has it may publish. A deployment without it lets nobody publish. */
  readonly INGEST_TOKEN?: string;
  /** The operator's: who has it says what is collected. A deployment without it lets nobody. */
  readonly ADMIN_TOKEN?: string;
  /** Signs the tokens that clients have to show; where it is absent, they need none. */
  readonly CLIENT_TOKEN_SECRET?: string;
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
  /** Relays in each region, a whole number; 1 where it is absent. A half-empty one costs as much as a full one. */
  readonly RELAYS_PER_REGION?: string;
  /** The region that every client is taken to be in; told by the platform where it is absent. */
  readonly REGION?: string;
}

/** The Worker: what `wrangler.toml` deploys. */

export { CollectorLease } from "../durable-objects/collector-lease/collector-lease.ts";
export { FanoutRelay } from "../durable-objects/fanout-relay/fanout-relay.ts";
export { PartitionFeed } from "../durable-objects/partition-feed/partition-feed.ts";
export { Registry } from "../durable-objects/registry/registry.ts";
export { SymbolFeed } from "../durable-objects/symbol-feed/symbol-feed.ts";
export { app as default } from "./app.ts";

/** One ingestor: for each exchange a log, and on it a collector, a pusher, or both. */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { IngestorConfig } from "./config.ts";
import { ExchangeIngestor } from "./exchange-ingestor.ts";
import type { Exchange } from "./exchanges/exchange.ts";
import { findExchange } from "./exchanges/index.ts";
import type { Logger } from "./logger.ts";
import { serveMetrics } from "./metrics.ts";
import { EdgeClient } from "./push/edge-client.ts";
import { RingMemory } from "./push/ring-memory.ts";

export interface Ingestor {
  /** Ends in order; what was received is in the log, what was pushed is committed, unless a part is away for too long. */
  stop(): Promise<void>;
}

/** @throws {UnknownExchangeError} when an exchange of the settings is none of ours */
export function startIngestor(config: IngestorConfig, env: NodeJS.ProcessEnv, logger: Logger): Ingestor {
  const edge = new EdgeClient({ url: config.edgeUrl, token: config.token, source: config.source });
  const holder = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`.slice(-100);
  const exchanges = config.exchanges.map((name) => withSilence(findExchange(name), config.silence));
  const ringMemory = new RingMemory(config.ringBytes);
  const shared = { config, env, edge, ringMemory, holder, logger };
  const running = exchanges.map((exchange) => new ExchangeIngestor({ exchange, ...shared }));
  for (const one of running) one.start();
  const metrics = config.metricsPort === null ? undefined : serveMetrics(running, config.metricsPort, logger);
  return {
    async stop() {
      metrics?.close();
      await Promise.all(running.map((one) => one.stop()));
    },
  };
}

function withSilence(exchange: Exchange, silence: number | null): Exchange {
  return silence === null ? exchange : { ...exchange, feed: { ...exchange.feed, silence } };
}

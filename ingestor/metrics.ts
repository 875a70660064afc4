/** What one ingestor is doing, as Prometheus text at `/metrics`. */

import { createServer, type Server } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { CollectorCounts } from "./collect/counts.ts";
import { addEdgeMetrics } from "./edge-metrics.ts";
import type { ExchangeIngestor } from "./exchange-ingestor.ts";
import type { Leadership } from "./leader-election/leader.ts";
import type { TickWriter } from "./log/log.ts";
import { type Logger, reasonOf } from "./logger.ts";

/** Served by each exchange of the ingestor. */
export type Measured = Pick<ExchangeIngestor, "name" | "leader" | "pusher" | "reader" | "edge">;

/** What only grows while an ingestor leads. */
const COUNTERS: readonly (readonly [name: string, help: string, of: keyof CollectorCounts])[] = [
  ["frames_total", "Frames received", "frames"],
  ["events_total", "Events written to the log, gaps left out", "events"],
  ["repeats_total", "Trades kept out because the log has them", "repeats"],
  ["bad_frames_total", "Frames that could not be read", "badFrames"],
  ["dated_ahead_total", "Events that the exchange dated in the future", "datedAhead"],
  ["reconnects_total", "Connections to the exchange that broke", "reconnects"],
  ["rotations_total", "Connections replaced before the exchange ended them", "rotations"],
  ["gaps_total", "Gaps announced", "gaps"],
  ["gaps_healed_total", "Gaps of which every trade was fetched", "healed"],
  ["gaps_lost_total", "Gaps of which a part could not be fetched", "lost"],
  ["late_trades_total", "Trades that were fetched", "lateTrades"],
];

/** ... and while its log is open. */
const LOG_COUNTERS: readonly (readonly [name: string, help: string, of: (writer: TickWriter) => number])[] = [
  ["raw_omitted_total", "Frames and bodies left out of the raw log", ({ raw }) => raw?.omitted ?? 0],
  ["log_refused_total", "Events that were too large for the log", ({ refused }) => refused ?? 0],
];

const GAUGES: readonly (readonly [name: string, help: string, of: (one: Measured) => number])[] = [
  ["leading", "1 where this ingestor collects the exchange", ({ leader }) => (leader?.led === undefined ? 0 : 1)],
  ["live", "1 where this ingestor collects all of the exchange", ({ leader }) => Number(isLive(leader))],
  ["term", "Under which the log is written", ({ leader }) => leader?.term ?? 0],
  ["markets", "Markets that are collected", ({ leader }) => leader?.led?.collector.counts.markets ?? 0],
  ["connections", "Connections to the exchange", ({ leader }) => leader?.led?.collector.counts.connections ?? 0],
  ["open_gaps", "Gaps that are being fetched", ({ leader }) => leader?.led?.collector.counts.openGaps ?? 0],
  ["odd_market_rows", "Rows of the market list left out", ({ leader }) => leader?.led?.collector.counts.oddRows ?? 0],
  ["refused_markets", "Markets refused by it", ({ leader }) => leader?.led?.collector.counts.refusedMarkets ?? 0],
  ["log_queue_bytes", "Waiting to be confirmed by the log", ({ leader }) => leader?.led?.writer.bytes ?? 0],
  ["raw_queue_bytes", "Raw frames waiting to be confirmed", ({ leader }) => leader?.led?.writer.raw?.bytes ?? 0],
  ["consumer_lag", "Records in the log that are not read yet", ({ reader }) => reader?.lag ?? 0],
  ["void_records", "Records met that a replaced collector wrote", ({ reader }) => reader?.voided ?? 0],
  ["send_queue_bytes", "Held for the feeds until they have stored it", ({ pusher }) => pusher?.bytes ?? 0],
  ["parked_feeds", "Feeds that take too little", ({ pusher }) => pusher?.parked ?? 0],
  ["unacked_age_seconds", "Age of the oldest event that a feed has not stored", ({ pusher }) => ageOf(pusher)],
];

/** A registry that looks at `measured` whenever it is asked. */
export function metricsOf(measured: readonly Measured[]): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const labelNames = ["exchange"] as const;
  const counters = [
    ...COUNTERS.map(([name, help, of]) => [name, help, ({ collector }: Leadership) => collector.counts[of]] as const),
    ...LOG_COUNTERS.map(([name, help, of]) => [name, help, ({ writer }: Leadership) => of(writer)] as const),
  ];
  for (const [name, help, of] of counters) {
    new Counter({
      name: `tickcast_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const { name: exchange, leader } of measured)
          this.inc({ exchange }, leader?.led === undefined ? 0 : of(leader.led));
      },
    });
  }
  for (const [name, help, of] of GAUGES) {
    new Gauge({
      name: `tickcast_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        for (const one of measured) this.set({ exchange: one.name }, of(one));
      },
    });
  }
  addEdgeMetrics(registry, measured);
  return registry;
}

/** Serves them at `/metrics` until it is closed. */
export function serveMetrics(measured: readonly Measured[], port: number, logger: Logger): Server {
  const registry = metricsOf(measured);
  const server = createServer(async (request, response) => {
    if (request.method !== "GET" || request.url !== "/metrics") {
      response.writeHead(404).end("there is GET /metrics\n");
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { "Content-Type": registry.contentType }).end(text);
    } catch (error) {
      response.writeHead(500).end(`${reasonOf(error)}\n`);
    }
  });
  server.on("error", (error) => logger.error({ reason: reasonOf(error), port }, "metrics can't be served"));
  server.listen(port, () => logger.info({ address: server.address() }, "metrics are served"));
  return server;
}

function isLive(leader: Measured["leader"]): boolean {
  return leader?.led?.collector.status.state === "live";
}

function ageOf(pusher: Measured["pusher"]): number {
  const since = pusher?.oldest;
  return since === undefined ? 0 : (Date.now() - since) / 1000;
}

import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { edgeCounts } from "../protocol/edge-counts.ts";
import { addEdgeMetrics } from "./edge-metrics.ts";
import { EdgeTotals } from "./push/edge-totals.ts";

it("say what objects have done by class and exchange, together for all exchanges of the process", async () => {
  const [upbit, korbit] = [new EdgeTotals("upbit"), new EdgeTotals("korbit")];
  const registry = new Registry();
  addEdgeMetrics(registry, [{ edge: upbit }, { edge: korbit }]);
  const feed = upbit.source("symbol_feed");
  const counted = { frames: 2, bytes: 300, items: 4, folded: 1, resumes: { too_old: 5 }, closes: { slow_consumer: 6 } };
  feed.take(edgeCounts.parse({ clients: 7, streams: 8, ...counted }));
  upbit.takeRelays({ "": edgeCounts.parse({ clients: 1, frames: 10 }) });
  korbit.takeRelays({ "": edgeCounts.parse({ frames: 100 }), korbit: edgeCounts.parse({ streams: 3 }) });
  await registry.metrics();
  const text = await registry.metrics();
  for (const line of [
    'tickcast_edge_frames_total{class="symbol_feed",exchange="upbit"} 2',
    'tickcast_edge_sent_bytes_total{class="symbol_feed",exchange="upbit"} 300',
    'tickcast_edge_items_total{class="symbol_feed",exchange="upbit"} 4',
    'tickcast_edge_folded_events_total{class="symbol_feed",exchange="upbit"} 1',
    'tickcast_edge_resumes_total{class="symbol_feed",exchange="upbit",outcome="too_old"} 5',
    'tickcast_edge_closes_total{class="symbol_feed",exchange="upbit",code="slow_consumer"} 6',
    'tickcast_edge_clients{class="symbol_feed",exchange="upbit"} 7',
    'tickcast_edge_streams{class="symbol_feed",exchange="upbit"} 8',
    'tickcast_edge_frames_total{class="fanout_relay",exchange=""} 110',
    'tickcast_edge_clients{class="fanout_relay",exchange=""} 1',
    'tickcast_edge_streams{class="fanout_relay",exchange="korbit"} 3',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  feed.gone();
  expect(await registry.metrics()).toContain('tickcast_edge_clients{class="symbol_feed",exchange="upbit"} 0\n');
});

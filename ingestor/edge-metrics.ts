/** What the edge does, at `/metrics`: see `push/edge-totals.ts`. */

import { Counter, Gauge, type Registry } from "prom-client";
import type { EdgeCounts } from "../protocol/edge-counts.ts";
import type { EdgeTotals } from "./push/edge-totals.ts";

type Numbers = Exclude<keyof EdgeCounts, "resumes" | "closes">;

const COUNTERS: readonly (readonly [name: string, help: string, of: Numbers])[] = [
  ["frames_total", "Frames sent to clients, or to relays by a partition's feed", "frames"],
  ["sent_bytes_total", "Length of the frames sent, in characters, which are bytes but for names", "bytes"],
  ["items_total", "Items in the frames sent", "items"],
  ["folded_events_total", "Events that a newer one replaced before they were due", "folded"],
];

const BY_NAME: readonly (readonly [name: string, help: string, label: string, of: "resumes" | "closes"])[] = [
  ["resumes_total", "Streams subscribed to, by how that went", "outcome", "resumes"],
  ["closes_total", "Sockets closed, by why", "code", "closes"],
];

const GAUGES: readonly (readonly [name: string, help: string, of: Numbers])[] = [
  ["clients", "Sockets that are served", "clients"],
  ["streams", "Streams and wildcards that they are subscribed to", "streams"],
];

const LABELS = ["class", "exchange"] as const;

/** Adds the metrics of the edge to a registry that looks at `measured` whenever it is asked. */
export function addEdgeMetrics(registry: Registry, measured: readonly { readonly edge: EdgeTotals }[]): void {
  const totals = () =>
    measured
      .flatMap(({ edge }) => [...edge.all])
      .map((one) => {
        return { labels: { class: one.objectClass, exchange: one.exchange }, counts: one.counts };
      });
  for (const [name, help, of] of COUNTERS) {
    new Counter({
      ...{ name: `tickcast_edge_${name}`, help, labelNames: LABELS, registers: [registry] },
      collect() {
        this.reset();
        for (const { labels, counts } of totals()) this.inc(labels, counts[of]);
      },
    });
  }
  for (const [name, help, label, of] of BY_NAME) {
    new Counter({
      ...{ name: `tickcast_edge_${name}`, help, labelNames: [...LABELS, label], registers: [registry] },
      collect() {
        this.reset();
        for (const { labels, counts } of totals()) {
          for (const [value, count] of Object.entries(counts[of])) this.inc({ ...labels, [label]: value }, count);
        }
      },
    });
  }
  for (const [name, help, of] of GAUGES) {
    new Gauge({
      ...{ name: `tickcast_edge_${name}`, help, labelNames: LABELS, registers: [registry] },
      collect() {
        this.reset();
        for (const { labels, counts } of totals()) this.inc(labels, counts[of]);
      },
    });
  }
}

/** What `tail --stats` tells of a period: how long items took, hop by hop, and how much came. */

import type { DataItem } from "../protocol/frames.ts";

/** The ways of an item, each from the stop before it; `all` is the whole way. */
export const HOPS = ["collector", "log", "edge", "here", "all"] as const;
type Hop = (typeof HOPS)[number];

/** ms; null where nothing was measured. */
export interface Latency {
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface Report {
  readonly seconds: number;
  readonly itemsPerSecond: number;
  /** Of the frames as they came, whatever was in them. */
  readonly bytesPerSecond: number;
  /** Events that came in the item of a newer one. */
  readonly folded: number;
  /** Holes in what was collected, as the stream tells them. */
  readonly gaps: number;
  /** How often something was missing and had to be asked for again, or could not be had any more. */
  readonly missed: number;
  readonly latency: Readonly<Record<Hop, Latency>>;
}

export class Statistics {
  #since: number;
  #items = 0;
  #bytes = 0;
  #folded = 0;
  #gaps = 0;
  #missed = 0;
  #latencies = noLatencies();

  /** @param now ms */
  constructor(now: number) {
    this.#since = now;
  }

  addBytes(count: number): void {
    this.#bytes += count;
  }

  addMissed(): void {
    this.#missed += 1;
  }

  /** @param now when it came, ms */
  addItem({ n, t, gap, snapshot, trades = [] }: DataItem, now: number): void {
    this.#items += 1;
    this.#folded += Math.max(0, n - 1);
    if (gap !== undefined) this.#gaps += 1;
    // What is told of the past took no way that would say anything of the present.
    if (gap !== undefined || snapshot === true || trades.some(({ late }) => late)) return;
    const { collector, log, edge, here, all } = this.#latencies;
    if (t.received !== null) {
      collector.push(t.received - t.exchange);
      log.push(t.logged - t.received);
    }
    edge.push(t.edge - t.logged);
    here.push(now - t.edge);
    all.push(now - t.exchange);
  }

  /** What came since the last report. @param now ms */
  report(now: number): Report {
    const seconds = (now - this.#since) / 1000;
    const latencies = this.#latencies;
    const report = {
      seconds,
      itemsPerSecond: perSecond(this.#items, seconds),
      bytesPerSecond: perSecond(this.#bytes, seconds),
      folded: this.#folded,
      gaps: this.#gaps,
      missed: this.#missed,
      latency: {
        collector: latencyOf(latencies.collector),
        log: latencyOf(latencies.log),
        edge: latencyOf(latencies.edge),
        here: latencyOf(latencies.here),
        all: latencyOf(latencies.all),
      },
    };
    this.#since = now;
    this.#items = this.#bytes = this.#folded = this.#gaps = this.#missed = 0;
    this.#latencies = noLatencies();
    return report;
  }
}

/** A report as a line for people. */
export function describeReport({ itemsPerSecond, bytesPerSecond, folded, gaps, missed, latency }: Report): string {
  const hops = HOPS.map((hop) => {
    const { p50, p99 } = latency[hop];
    return `${hop} ${p50 ?? "-"}/${p99 ?? "-"}`;
  });
  const flow = `${itemsPerSecond} items/s, ${bytesPerSecond} B/s, ${folded} folded, ${gaps} gaps, ${missed} missed`;
  return `${flow}; p50/p99 ms: ${hops.join(", ")}`;
}

function noLatencies(): Record<Hop, number[]> {
  return { collector: [], log: [], edge: [], here: [], all: [] };
}

function perSecond(count: number, seconds: number): number {
  return seconds > 0 ? Math.round(count / seconds) : 0;
}

function latencyOf(values: readonly number[]): Latency {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}

/**
 * What a relay counts: of each exchange where that is known, the rest under `""`. It is told the registry with the question that
 * the relay asks it every two seconds anyway, and the ingestors hear it in the answers to their reports.
 */

import { type CountsByExchange, NO_EXCHANGE } from "../../protocol/edge-counts.ts";
import { EdgeCounters, NOTHING_TOLD } from "../edge-counters.ts";
import type { OutgoingFrame } from "./outgoing-frames.ts";

export interface RelayGauges {
  readonly clients: () => number;
  /** By exchange. */
  readonly streams: () => ReadonlyMap<string, number>;
}

export class RelayCounters {
  readonly #gauges: RelayGauges;
  readonly #counters = new Map<string, EdgeCounters>();
  /** As it is when something is said: to add it up takes a look at every audience. */
  #streams: ReadonlyMap<string, number> = new Map();
  /** Of what is not of one exchange: clients, and frames with items of several. */
  readonly all: EdgeCounters;

  constructor(gauges: RelayGauges) {
    this.#gauges = gauges;
    this.all = this.of(NO_EXCHANGE);
  }

  of(exchange: string): EdgeCounters {
    const known = this.#counters.get(exchange);
    if (known !== undefined) return known;
    const counters = new EdgeCounters(() => ({
      clients: exchange === NO_EXCHANGE ? this.#gauges.clients() : 0,
      streams: this.#streams.get(exchange) ?? 0,
    }));
    this.#counters.set(exchange, counters);
    return counters;
  }

  /** A frame was sent to a client. */
  delivered({ items }: OutgoingFrame): void {
    for (const { exchange, count } of items) this.of(exchange).items += count;
  }

  /** What is to be said now, and counts as said. */
  take(): CountsByExchange {
    // What nobody was sent anything of yet may be subscribed to all the same.
    this.#streams = this.#gauges.streams();
    for (const exchange of this.#streams.keys()) this.of(exchange);
    const word: CountsByExchange = {};
    for (const [exchange, counters] of this.#counters) {
      // The registry may have lost its memory: it is told what there is each time.
      counters.goOnFrom(NOTHING_TOLD);
      const counts = counters.take();
      if (counts !== undefined) word[exchange] = counts;
    }
    return word;
  }
}

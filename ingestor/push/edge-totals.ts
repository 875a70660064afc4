/**
 * What the objects of an exchange at the edge have done, as they say it: what they count is added up for as long as this process
 * lives, what they have now is summed, and forgotten with the link that it came over.
 */

import { type CountsByExchange, type EdgeCounts, edgeCounts, sumCounts } from "../../protocol/edge-counts.ts";

/** As the label `class` names it. */
export type ObjectClass = "symbol_feed" | "partition_feed" | "fanout_relay";

/** Where the words of one object come from. */
export interface EdgeSource {
  take(counts: EdgeCounts): void;
  /** Nothing is known any more of what it has now. */
  gone(): void;
}

/** The totals of a class; `exchange` is empty for what is not of one exchange. */
export interface EdgeTotal {
  readonly objectClass: ObjectClass;
  readonly exchange: string;
  readonly counts: EdgeCounts;
}

const NOTHING = edgeCounts.parse({});

export class EdgeTotals {
  readonly #exchange: string;
  readonly #totals = new Map<string, EdgeTotal>();
  /** Those of the relays that this ingestor is told of, by exchange. */
  readonly #relays = new Map<string, EdgeSource>();

  constructor(exchange: string) {
    this.#exchange = exchange;
  }

  get all(): Iterable<EdgeTotal> {
    return this.#totals.values();
  }

  /** A source of its own for each link. */
  source(objectClass: ObjectClass, exchange = this.#exchange): EdgeSource {
    let [clients, streams] = [0, 0];
    const add = (counts: EdgeCounts) => {
      this.#add(objectClass, exchange, {
        ...counts,
        clients: counts.clients - clients,
        streams: counts.streams - streams,
      });
      clients = counts.clients;
      streams = counts.streams;
    };
    return { take: add, gone: () => add(NOTHING) };
  }

  /** What relays have done, and have now, as the registry tells it; what it does not name they have nothing of. */
  takeRelays(relays: CountsByExchange): void {
    for (const [exchange, counts] of Object.entries(relays)) {
      const source = this.#relays.get(exchange) ?? this.source("fanout_relay", exchange);
      this.#relays.set(exchange, source);
      source.take(counts);
    }
    for (const [exchange, source] of this.#relays) if (relays[exchange] === undefined) source.gone();
  }

  #add(objectClass: ObjectClass, exchange: string, counts: EdgeCounts): void {
    const key = `${objectClass}/${exchange}`;
    const before = this.#totals.get(key)?.counts ?? NOTHING;
    this.#totals.set(key, { objectClass, exchange, counts: sumCounts(before, counts) });
  }
}

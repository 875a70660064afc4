/**
 * What relays have counted, on its way to the ingestors: relays say it with what they ask the registry, and an ingestor hears it
 * in the answer to its report. In memory only.
 */

import {
  type CountsByExchange,
  type EdgeCounts,
  edgeCounts,
  NO_EXCHANGE,
  sumCounts,
} from "../../protocol/edge-counts.ts";

/** What a relay says of itself. */
export interface RelayWord {
  /** Names the relay. */
  readonly relay: string;
  readonly counts: CountsByExchange;
}

/** A relay that anyone listens to speaks every 2 s: one that has been silent for this long, ms, serves nobody, or is gone. */
const RELAY_LIFE = 10_000;
const NOTHING = edgeCounts.parse({});

export class RelayCounts {
  /** What was counted and no ingestor was told yet, by exchange. */
  readonly #counted = new Map<string, EdgeCounts>();
  /** What each relay has now. */
  readonly #relays = new Map<string, { readonly counts: CountsByExchange; readonly at: number }>();

  /** @param now ms */
  put({ relay, counts }: RelayWord, now: number): void {
    const present: CountsByExchange = {};
    for (const [exchange, counted] of Object.entries(counts)) {
      const { clients, streams } = counted;
      present[exchange] = { ...NOTHING, clients, streams };
      const grown = { ...counted, clients: 0, streams: 0 };
      this.#counted.set(exchange, sumCounts(this.#counted.get(exchange) ?? NOTHING, grown));
    }
    // What a word leaves out there is nothing of any more.
    this.#relays.set(relay, { counts: present, at: now });
  }

  /**
   * What the ingestor of an exchange is to be told, and is told by that; undefined where no relay has said anything.
   *
   * @param isFirst whether it is the one that hears what is not of one exchange
   * @param now ms
   */
  take(exchange: string, isFirst: boolean, now: number): CountsByExchange | undefined {
    for (const [relay, { at }] of this.#relays) if (now - at > RELAY_LIFE) this.#relays.delete(relay);
    if (this.#relays.size === 0 && this.#counted.size === 0) return undefined;
    const told: CountsByExchange = { [exchange]: this.#takeOne(exchange) };
    if (isFirst) told[NO_EXCHANGE] = this.#takeOne(NO_EXCHANGE);
    return told;
  }

  #takeOne(exchange: string): EdgeCounts {
    let sum = this.#counted.get(exchange) ?? NOTHING;
    this.#counted.delete(exchange);
    for (const { counts } of this.#relays.values()) sum = sumCounts(sum, counts[exchange] ?? NOTHING);
    return sum;
  }
}

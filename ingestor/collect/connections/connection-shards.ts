/** Assigns an exchange's markets to connections. A market stays where it is, so that a new listing disturbs no other. */

import type { Market } from "../../../protocol/ingest.ts";
import type { ConnectionShard } from "./connection-shard.ts";

export class ConnectionShards {
  readonly #maxMarkets: number;
  readonly #open: (markets: readonly Market[]) => ConnectionShard;
  #shards: readonly ConnectionShard[] = [];

  /**
   * @param maxMarkets of one connection
   * @param open begins a shard
   */
  constructor(maxMarkets: number, open: (markets: readonly Market[]) => ConnectionShard) {
    this.#maxMarkets = maxMarkets;
    this.#open = open;
  }

  get all(): readonly ConnectionShard[] {
    return this.#shards;
  }

  of(instrument: string): ConnectionShard | undefined {
    return this.#shards.find(({ markets }) => markets.some((market) => market.instrument === instrument));
  }

  /** Brings these markets, and no others. */
  assign(markets: readonly Market[]): void {
    const wanted = new Map(markets.map((market) => [market.instrument, market]));
    const assigned = this.#shards.map((shard) => {
      const kept = shard.markets.flatMap(({ instrument }) => wanted.get(instrument) ?? []);
      for (const { instrument } of kept) wanted.delete(instrument);
      return { shard, kept };
    });
    const added = [...wanted.values()];
    for (const { shard, kept } of assigned) {
      const next = [...kept, ...added.splice(0, this.#maxMarkets - kept.length)];
      if (next.length === 0) shard.stop();
      else if (!sameInstruments(next, shard.markets)) shard.subscribe(next);
    }
    const left = assigned.map(({ shard }) => shard).filter((shard) => shard.markets.length > 0 && !shard.stopped);
    const opened = chunks(added, this.#maxMarkets).map(this.#open);
    this.#shards = [...left, ...opened];
  }

  stop(): void {
    for (const shard of this.#shards) shard.stop();
  }
}

function sameInstruments(a: readonly Market[], b: readonly Market[]): boolean {
  return a.length === b.length && a.every(({ instrument }, i) => instrument === b[i]?.instrument);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const all: T[][] = [];
  for (let from = 0; from < items.length; from += size) all.push(items.slice(from, from + size));
  return all;
}

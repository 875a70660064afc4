/** How the exchanges are, as their partitions say: an exchange is no better than the worst of its partitions. */

import type { FeedStatus } from "../../protocol/frames.ts";

const WORSE: Readonly<Record<FeedStatus["state"], number>> = { live: 0, stale: 1, down: 2 };

export class StatusBoard {
  readonly #partitions = new Map<string, FeedStatus>();

  /** @param partition `upbit/2`. @returns whether its exchange is doing otherwise than before, apart from the time */
  put(partition: string, status: FeedStatus): boolean {
    const exchange = exchangeOf(partition);
    const before = this.of(exchange);
    this.#partitions.set(partition, status);
    const { state, source, since, detail } = this.of(exchange) ?? status;
    return [
      before?.state === state,
      before?.source === source,
      before?.since === since,
      before?.detail === detail,
    ].includes(false);
  }

  /** Nothing is heard of the partition any more. */
  forget(partition: string): void {
    this.#partitions.delete(partition);
  }

  /** The worst of its partitions' states, and up to when all of them are complete; undefined where nothing is known. */
  of(exchange: string): FeedStatus | undefined {
    const all = [...this.#partitions].filter(([name]) => exchangeOf(name) === exchange).map(([, status]) => status);
    const [worst] = all.toSorted((a, b) => WORSE[b.state] - WORSE[a.state]);
    if (worst === undefined) return undefined;
    const times = all.map(({ asOf }) => asOf).filter((asOf) => asOf !== null);
    return { ...worst, asOf: times.length < all.length ? null : Math.min(...times) };
  }
}

/** @example exchangeOf("upbit/2") // "upbit" */
export function exchangeOf(partition: string): string {
  return partition.slice(0, partition.indexOf("/"));
}

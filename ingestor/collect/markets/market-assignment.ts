/** Which of the listed markets are collected: those that are wanted, and that the exchange lets us subscribe to. */

import type { Market } from "../../../protocol/ingest.ts";
import type { Logger } from "../../logger.ts";
import type { ConnectionShards } from "../connections/connection-shards.ts";
import type { FrameProcessor } from "../frames/frame-processor.ts";
import type { MarketList } from "./market-list.ts";
import { RefusedMarkets } from "./refused-markets.ts";
import type { UncollectedMarkets } from "./uncollected-markets.ts";

export interface MarketAssignmentOptions {
  readonly list: MarketList;
  /** Which of the listed markets are to be collected. */
  readonly wanted: (market: Market) => boolean;
  readonly shards: ConnectionShards;
  readonly processor: FrameProcessor;
  readonly uncollected: UncollectedMarkets;
  readonly logger: Logger;
}

export class MarketAssignment {
  readonly #options: MarketAssignmentOptions;
  readonly #refused = new RefusedMarkets();
  #refusedLogged = "";

  constructor(options: MarketAssignmentOptions) {
    this.#options = options;
  }

  /** Those that the exchange refuses, as it spells them: they are left out. */
  get refused(): readonly string[] {
    return this.#refused.at(Date.now());
  }

  /** Follows the list, and what is wanted of it. */
  assign(): void {
    const { list, wanted: isWanted, processor, shards, uncollected } = this.#options;
    const { markets: listed } = list;
    // Before there is a list nothing is left out either.
    if (listed.length === 0) return;
    processor.setMarkets(listed);
    const reliedOn = this.#reliedOn();
    this.#refused.keepOnly(listed);
    const wanted = listed.filter((market) => isWanted(market) && !this.#refused.has(market, Date.now()));
    shards.assign(wanted);
    const collected = new Set(wanted.map(({ instrument }) => instrument));
    for (const instrument of collected) uncollected.resume(instrument);
    for (const [instrument, since] of reliedOn) {
      if (collected.has(instrument)) continue;
      processor.leaveOut(instrument);
      uncollected.add(instrument, since);
    }
  }

  /**
   * The exchange has refused a request for these markets. Most often one was delisted since the last look at the list: the
   * others must not wait for the next one.
   */
  refuse(message: string, asked: readonly Market[]): void {
    if (this.#refused.add(message, asked, Date.now())) this.followRefused();
    this.#options.list.refetch();
  }

  /** Leaves out what the exchange refuses, and tries again what it refused long ago. To be called every second. */
  followRefused(): void {
    const { refused } = this;
    if (refused.join() === this.#refusedLogged) return;
    this.#refusedLogged = refused.join();
    this.#options.logger.warn({ refused }, "markets that the exchange refuses are left out");
    this.assign();
  }

  /** Up to when (ms, on the exchange's clock) we have all trades of each market that is collected. */
  #reliedOn(): (readonly [instrument: string, time: number])[] {
    const { processor, shards } = this.#options;
    const now = Math.min(processor.lastEventTime ?? Date.now(), Date.now());
    return shards.all.flatMap((shard) =>
      shard.markets.map(({ instrument }) => {
        const since = shard.suspectedGapOf(instrument)?.since ?? now;
        return [instrument, Math.min(now, since)] as const;
      }),
    );
  }
}

/** The market list of an exchange: fetched at the start until it comes, and again every few minutes for new listings. */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { Market } from "../../protocol/ingest.ts";
import type { Exchange } from "../exchanges/exchange.ts";
import { type Logger, reasonOf } from "../logger.ts";

const TIMEOUT = 15_000;

export class MarketList {
  readonly #exchange: Exchange;
  readonly #restUrl: string;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<readonly Market[]>();
  /** Resolves with the first list. */
  readonly ready: Promise<readonly Market[]> = this.#ready.promise;
  markets: readonly Market[] = [];

  constructor(exchange: Exchange, restUrl: string, logger: Logger) {
    this.#exchange = exchange;
    this.#restUrl = restUrl;
    this.#logger = logger.child({ part: "market-list", exchange: exchange.name });
  }

  /**
   * Fetches the list until there is one, then again every `period` ms. Calls `changed` with the first one and whenever it is
   * another one than before. A list that can't be read leaves the old one in force. Runs until {@link stop}.
   */
  async run(period: number, changed: (markets: readonly Market[]) => void): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const markets = await this.#fetchUntilThere();
        if (JSON.stringify(markets) !== JSON.stringify(this.markets)) {
          this.markets = markets;
          this.#ready.resolve(markets);
          changed(markets);
        }
        await sleep(period, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #fetchUntilThere(): Promise<readonly Market[]> {
    return backOff(() => this.#fetch(), {
      jitter: "full",
      startingDelay: 500,
      maxDelay: 30_000,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        this.#logger.warn({ reason: reasonOf(error) }, "reading the market list failed, trying again");
        return !this.#stop.signal.aborted;
      },
    });
  }

  async #fetch(): Promise<Market[]> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT)]);
    const markets = await this.#exchange.markets(this.#restUrl, signal);
    // An exchange with nothing to trade has a fault: obeying it would end everything that is collected.
    if (markets.length === 0) throw new Error("the market list is empty");
    return markets;
  }
}

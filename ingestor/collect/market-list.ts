/** The market list of an exchange: fetched at the start until it comes, and again every few minutes for new listings. */

import { backOff } from "exponential-backoff";
import type { Market } from "../../protocol/ingest.ts";
import type { Exchange } from "../exchanges/exchange.ts";
import { type Logger, reasonOf } from "../logger.ts";

const TIMEOUT = 15_000;

export class MarketList {
  readonly #exchange: Exchange;
  readonly #restUrl: string;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  markets: readonly Market[] = [];

  constructor(exchange: Exchange, restUrl: string, logger: Logger) {
    this.#exchange = exchange;
    this.#restUrl = restUrl;
    this.#logger = logger;
  }

  /** Resolves with the first list; tries until there is one, or until it is stopped. */
  async first(): Promise<readonly Market[]> {
    this.markets = await backOff(() => this.#fetch(), {
      jitter: "full",
      startingDelay: 500,
      maxDelay: 30_000,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        this.#logger.warn({ reason: reasonOf(error) }, "reading the market list failed, trying again");
        return !this.#stopped;
      },
    });
    return this.markets;
  }

  /** Calls `changed` whenever the list is another one than before. A list that can't be read leaves the old one in force. */
  watch(period: number, changed: (markets: readonly Market[]) => void): void {
    this.#timer = setInterval(async () => {
      try {
        const markets = await this.#fetch();
        if (this.#stopped || JSON.stringify(markets) === JSON.stringify(this.markets)) return;
        this.markets = markets;
        changed(markets);
      } catch (error) {
        this.#logger.warn({ reason: reasonOf(error) }, "reading the market list failed, keeping the last one");
      }
    }, period);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #fetch(): Promise<Market[]> {
    if (this.#stopped) throw new Error("stopping");
    const markets = await this.#exchange.markets(this.#restUrl, AbortSignal.timeout(TIMEOUT));
    // An exchange with nothing to trade has a fault: obeying it would end everything that is collected.
    if (markets.length === 0) throw new Error("the market list is empty");
    return markets;
  }
}

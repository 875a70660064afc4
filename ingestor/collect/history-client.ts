/** Asks an exchange's trade history, within its limits and for as long as it takes; what it answers goes to the raw log. */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { type History, HistoryError, type Stretch } from "../exchanges/exchange.ts";
import type { RawFrame } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { Budget } from "./budget.ts";

export interface HistoryClientOptions {
  readonly history: History;
  readonly restUrl: string;
  /** Takes the body of each answer. */
  readonly onBody: (raw: RawFrame) => void;
  readonly logger: Logger;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

const TIMEOUT = 10_000;
/** How long nobody asks after an exchange said that it is asked too often, and did not say how long, ms. */
const BAN = 5000;
/** Asking again would be answered alike. */
const HOPELESS: ReadonlySet<number> = new Set([400, 404, 410]);
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

export class HistoryClient {
  readonly #options: HistoryClientOptions;
  readonly #budget: Budget;
  #bannedUntil = 0;

  constructor(options: HistoryClientOptions) {
    this.#options = options;
    const { count, per } = options.history.requests;
    // Evenly: two bursts that are a period apart when they leave may arrive closer together.
    this.#budget = new Budget({ count: 1, per: per / count });
  }

  /**
   * What the history tells of a stretch, a page at a time, each trade with when it was received. It returns what
   * {@link History.trades} does.
   *
   * @throws {HistoryError} when the exchange has no such history
   * @throws {FrameError} when an answer can't be read
   */
  async *pages(market: Market, stretch: Stretch): AsyncGenerator<readonly TradeEvent[], number, void> {
    const pages = this.#options.history.trades(market, stretch, (path) => this.#get(market.instrument, path));
    for (let page = await pages.next(); ; page = await pages.next()) {
      if (page.done) return page.value;
      const received = Date.now();
      yield page.value.map((trade) => ({ ...trade, received }));
    }
  }

  /** The body of an answer of 200, however long that takes. */
  #get(instrument: string, path: string): Promise<string> {
    const { signal, logger } = this.#options;
    return backOff(() => this.#getOnce(instrument, path), {
      jitter: "full",
      startingDelay: FIRST_PAUSE,
      maxDelay: LONGEST_PAUSE,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        if (signal.aborted || error instanceof HistoryError) return false;
        logger.info({ reason: reasonOf(error), path }, "asking for the trade history failed, trying again");
        return true;
      },
    });
  }

  async #getOnce(instrument: string, path: string): Promise<string> {
    const { restUrl, signal, onBody } = this.#options;
    await this.#turn();
    const response = await fetch(restUrl + path, {
      headers: { accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
    });
    const body = await response.text();
    if (response.ok) {
      onBody({ bytes: Buffer.from(body), received: Date.now(), connection: REST, rest: { instrument, path } });
      return body;
    }
    const answer = `${path} answered ${response.status} ${body.slice(0, 200)}`;
    if (response.status === 429 || response.status === 418) {
      this.#bannedUntil = Math.max(this.#bannedUntil, Date.now() + pauseOf(response));
      throw new Error(answer);
    }
    if (HOPELESS.has(response.status)) throw new HistoryError(answer);
    throw new Error(answer);
  }

  /** Waits until a request is allowed: a ban may come while others wait for their turn. */
  async #turn(): Promise<void> {
    const { signal } = this.#options;
    await sleep(this.#budget.take(Date.now()), undefined, { signal });
    for (let wait = this.#bannedUntil - Date.now(); wait > 0; wait = this.#bannedUntil - Date.now()) {
      await sleep(wait, undefined, { signal });
      await sleep(this.#budget.take(Date.now()), undefined, { signal });
    }
  }
}

/** The bodies' key in the raw log. */
const REST = "rest";

/** `Retry-After` counts seconds. */
function pauseOf(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? seconds * 1000 : BAN;
}

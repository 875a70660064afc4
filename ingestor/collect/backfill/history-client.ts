/** Asks an exchange's trade history, within its limits; what it answers goes to the raw log. */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { parseJson } from "../../../protocol/json.ts";
import { FrameError, type History, HistoryError, type TimeRange, UnavailableError } from "../../exchanges/exchange.ts";
import type { RawFrame } from "../../log/log.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import { Bans } from "../limits/bans.ts";
import { RateLimiter } from "../limits/rate-limiter.ts";

export interface HistoryClientOptions {
  readonly history: History;
  readonly restUrl: string;
  /** Takes the body of each answer. */
  readonly onBody: (raw: RawFrame) => void;
  readonly logger: Logger;
  /** Who must not be asked, and until when: of all that ask the exchange together. */
  readonly bans?: Bans;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

const TIMEOUT = 10_000;
/** Asking again would be answered alike. */
const HOPELESS: ReadonlySet<number> = new Set([400, 404, 410]);
/**
 * How often a page is asked for before the whole is given up for now. The first one once, since others wait; a later one
 * more often, since those before it would have to be fetched again.
 */
const ATTEMPTS = 5;
const FIRST_PAUSE = 500;
const MAX_PAUSE = 10_000;

export class HistoryClient {
  readonly #options: HistoryClientOptions;
  readonly #rateLimiter: RateLimiter;
  readonly #bans: Bans;

  constructor(options: HistoryClientOptions) {
    this.#options = options;
    this.#bans = options.bans ?? new Bans();
    const { count, per } = options.history.requests;
    // Evenly: two bursts that are a period apart when they leave may arrive closer together.
    this.#rateLimiter = new RateLimiter({ count: 1, per: per / count });
  }

  /**
   * The history of a range, a page at a time, each trade with its time of receipt. It returns what
   * {@link History.trades} does.
   *
   * @throws {HistoryError} when the exchange has no such history
   * @throws {UnavailableError} when it does not answer now
   * @throws {FrameError} when an answer can't be read
   */
  async *pages(market: Market, range: TimeRange): AsyncGenerator<readonly TradeEvent[], number, void> {
    let answers = 0;
    const get = async (path: string) => {
      const body = await this.#get(market.instrument, path, answers === 0 ? 1 : ATTEMPTS);
      answers += 1;
      return body;
    };
    const pages = this.#options.history.trades(market, range, get);
    for (let page = await pages.next(); ; page = await pages.next()) {
      if (page.done) return page.value;
      const received = Date.now();
      yield page.value.map((trade) => ({ ...trade, received }));
    }
  }

  /** The body of an answer of 200. */
  async #get(instrument: string, path: string, numOfAttempts: number): Promise<string> {
    const { signal, logger } = this.#options;
    let attempts = 0;
    try {
      return await backOff(() => this.#getOnce(instrument, path), {
        jitter: "full",
        startingDelay: FIRST_PAUSE,
        maxDelay: MAX_PAUSE,
        numOfAttempts,
        retry: (error) => {
          if (signal.aborted || isFinal(error)) return false;
          attempts += 1;
          logger.info({ reason: reasonOf(error), path, attempts }, "asking for the trade history failed");
          return true;
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw isFinal(error) ? error : new UnavailableError(reasonOf(error));
    }
  }

  async #getOnce(instrument: string, path: string): Promise<string> {
    const { restUrl, signal, onBody } = this.#options;
    await this.#turn();
    const response = await fetch(restUrl + path, {
      headers: { accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
    });
    const body = await response.text();
    // What is no JSON is no answer of the exchange's: a page for people, of a proxy before it.
    const isAnswer = parseJson(body) !== undefined;
    if (isAnswer && response.ok) {
      onBody({ bytes: Buffer.from(body), received: Date.now(), connection: REST, rest: { instrument, path } });
      return body;
    }
    const answer = this.#refuse(response, path, body);
    if (!HOPELESS.has(response.status)) throw new Error(answer);
    // A page that says so may be one of maintenance, or of a mirror that has no history at all: time will tell.
    throw isAnswer ? new HistoryError(answer) : new FrameError(answer);
  }

  /** @returns what was answered, for people */
  #refuse({ status, headers }: Response, path: string, body: string): string {
    this.#bans.record(this.#options.restUrl, { status, header: (name) => headers.get(name) });
    return `${path} answered ${status} ${body.slice(0, 200)}`;
  }

  /** Waits until a request is allowed: a ban may come while others wait for their turn. */
  async #turn(): Promise<void> {
    const { signal, restUrl } = this.#options;
    do {
      await this.#bans.waitUntilOver(restUrl, signal);
      await sleep(this.#rateLimiter.take(Date.now()), undefined, { signal });
    } while (this.#bans.until(restUrl) !== undefined);
  }
}

/** The bodies' key in the raw log. */
const REST = "rest";

/** What the backfiller must judge. */
function isFinal(error: unknown): boolean {
  return error instanceof HistoryError || error instanceof FrameError;
}

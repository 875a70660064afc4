/** Makes connections to an exchange: within its limits, not while it bans us, and not while the log can't keep up. */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed } from "../../exchanges/exchange.ts";
import type { Bans } from "../limits/bans.ts";
import type { RateLimiter } from "../limits/rate-limiter.ts";
import { type ConnectionHandlers, ExchangeConnection } from "./exchange-connection.ts";

export interface ConnectorOptions {
  readonly feed: Feed;
  readonly wsUrl: string;
  /** Of all connections to the exchange together. */
  readonly connects: RateLimiter;
  /** Why no connection should be made now; undefined when one may. */
  readonly backpressureReason: () => string | undefined;
  readonly bans: Bans;
  /** What is to be brought when a connection is made: it may change while one waits for that. */
  readonly markets: () => readonly Market[];
  readonly handlers: Pick<ConnectionHandlers, "frame" | "refused">;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** A connection that lasted less than this, ms, makes the next one wait, the longer the more of them there were. */
const SHORT_LIFE = 5000;
const FIRST_PAUSE = 500;
const MAX_PAUSE = 30_000;

export class Connector {
  readonly #options: ConnectorOptions;
  /** Connections in a row that ended soon. */
  #shortLives = 0;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** Until when (ms) the exchange wants to be left alone; undefined when it does not. */
  get bannedUntil(): number | undefined {
    return this.#options.bans.until(this.#options.wsUrl);
  }

  /**
   * A connection that has not started yet, made as soon as one may be.
   *
   * @throws when the signal aborts, and while the log can't keep up
   */
  async open(): Promise<ExchangeConnection> {
    await this.#turn();
    const { wsUrl, feed, bans, markets, handlers } = this.#options;
    return new ExchangeConnection(wsUrl, feed, markets(), {
      ...handlers,
      turnedAway: (refusal) => bans.record(wsUrl, refusal),
    });
  }

  /** A connection is over that lived for so long (ms). */
  lived(ms: number): void {
    this.#shortLives = ms < SHORT_LIFE ? this.#shortLives + 1 : 0;
  }

  /** Tries until `connect` succeeds, with growing pauses, or the signal aborts. */
  async persist(connect: () => Promise<void>, onFailure: (error: unknown) => void): Promise<void> {
    const { signal } = this.#options;
    await backOff(connect, {
      jitter: "full",
      // An exchange that lets us in and throws us out again is no better than one that does not let us in.
      delayFirstAttempt: this.#shortLives > 1,
      startingDelay: FIRST_PAUSE * 2 ** Math.min(this.#shortLives, 6),
      maxDelay: MAX_PAUSE,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        onFailure(error);
        return !signal.aborted;
      },
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Waits until a connection may be made. */
  async #turn(): Promise<void> {
    const { connects, backpressureReason, wsUrl, bans, signal } = this.#options;
    do {
      await bans.waitUntilOver(wsUrl, signal);
      await sleep(connects.take(Date.now()), undefined, { signal });
      // A ban may come while we wait for our turn.
    } while (this.bannedUntil !== undefined);
    const reason = backpressureReason();
    if (reason !== undefined) throw new Error(reason);
  }
}

/**
 * Writes an instrument's newest ticker behind to Upstash Redis: never awaited on the way of a tick, at most one request in
 * flight, at most one a second. Each write is one command, because every command is billed.
 */

import { Redis } from "@upstash/redis/cloudflare";
import type { Source } from "../../protocol/events.ts";
import { type RedisKeys, redisKeys, WRITE_SCRIPT } from "../../protocol/redis.ts";
import type { NewestTicker } from "./newest-ticker.ts";

/** Between the starts of two writes, ms. */
const PERIOD = 1000;
/** A request that takes longer has failed, ms. */
const TIMEOUT = 3000;

export interface RedisSettings {
  readonly UPSTASH_REDIS_REST_URL?: string;
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  readonly REDIS_PREFIX?: string;
  readonly PRICES?: Source;
  /** `listened`: only instruments that someone listens to are written; all by default. */
  readonly REDIS_WRITES?: string;
}

/** A client for these settings whose requests take `timeout` ms at most; undefined where Redis is not configured. */
export function connectRedis(settings: RedisSettings, timeout = TIMEOUT): Redis | undefined {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = settings;
  if (!url || !token) return undefined;
  const signal = () => AbortSignal.timeout(timeout);
  return new Redis({
    url,
    token,
    // It would turn "0.10" into 0.1.
    automaticDeserialization: false,
    // There is never more than one command to send.
    enableAutoPipelining: false,
    // A failed write is repeated with the next batch.
    retry: false,
    enableTelemetry: false,
    signal,
  });
}

export class RedisWriter {
  readonly #redis: Redis | undefined;
  readonly #keys: RedisKeys;
  #sent = "";
  #lastStart = 0;
  #inFlight = false;
  readonly #listenedOnly: boolean;
  /** Why the last write failed; undefined while all is well. */
  failure: string | undefined;

  constructor(settings: RedisSettings, instrument: string) {
    this.#redis = connectRedis(settings);
    this.#keys = redisKeys(instrument, settings.REDIS_PREFIX, settings.PRICES);
    this.#listenedOnly = settings.REDIS_WRITES === "listened";
  }

  /** Whether `latest` should be written and has not been yet. */
  owes(latest: NewestTicker | null, listened: boolean): boolean {
    if (this.#listenedOnly && !listened) return false;
    return this.#redis !== undefined && latest !== null && (this.#inFlight || this.#sent !== identity(latest));
  }

  /**
   * Starts a write if one is due, and comes back at once. What has not changed is written again only while someone
   * listens, to say that it is still the newest: every command is billed.
   *
   * @param asOf up to when the ticker is known to be the newest, ms
   * @param now ms
   */
  write(latest: NewestTicker | null, source: Source, asOf: number, now: number, listened: boolean): void {
    if (this.#redis === undefined || latest === null || this.#inFlight || now - this.#lastStart < PERIOD) return;
    if (!listened && (this.#listenedOnly || this.#sent === identity(latest))) return;
    this.#inFlight = true;
    this.#lastStart = now;
    const body = latest.redisText(source, asOf);
    const { hash, field, channel } = this.#keys;
    this.#redis
      .eval(WRITE_SCRIPT, [hash, channel], [field, body, latest.epoch, latest.seq])
      .then(
        () => {
          this.#sent = identity(latest);
          this.failure = undefined;
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (this.failure === undefined)
            console.warn("writing Redis failed, trying again with the next batches:", reason);
          this.failure = reason;
        },
      )
      .finally(() => {
        this.#inFlight = false;
      });
  }
}

function identity({ epoch, seq }: NewestTicker): string {
  return `${epoch}/${seq}`;
}

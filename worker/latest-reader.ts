/**
 * The newest ticker of one instrument: from Redis when what stands there is fresh, else from its partition's feed, else
 * from its own. Whichever answers, it is never older than about two seconds.
 */

import { connectRedis } from "../durable-objects/symbol-feed/redis-writer.ts";
import type { LatestTicker } from "../protocol/ingest.ts";
import type { Instrument } from "../protocol/instrument.ts";
import { parseRedisTicker, redisKeys } from "../protocol/redis.ts";
import { directory } from "./directory.ts";
import type { Env } from "./env.ts";
import { feedOf, partitionFeedOf } from "./objects.ts";

/** What may be passed on without asking further, ms. */
const FRESH = 2000;
/** A reader does not wait for Redis longer than for the objects, ms. */
const REDIS_PATIENCE = 500;
/** After a failure Redis is left alone for this long, ms, so that reads don't wait for it one by one. */
const RESPITE = 5000;

let redisBadUntil = 0;

/** @returns null where the instrument is known but nothing has come of it yet */
export async function readLatest(env: Env, instrument: Instrument): Promise<LatestTicker | null> {
  const now = Date.now();
  const kept = await readRedis(env, instrument, now);
  if (kept !== null && now - kept.asOf <= FRESH) return withoutAsOf(kept);
  const { name, exchange } = instrument;
  const partition = (await directory(env)).partitionOf({ exchange, instrument: name });
  const listed = await partitionFeedOf(env, exchange, partition).ticker(name);
  if (listed !== null && now - listed.asOf <= FRESH) return withoutAsOf(listed);
  return feedOf(env, name).latest();
}

async function readRedis(env: Env, instrument: Instrument, now: number) {
  const redis = connectRedis(env, REDIS_PATIENCE);
  if (redis === undefined || now < redisBadUntil) return null;
  const { hash, field } = redisKeys(instrument.name, env.REDIS_PREFIX, env.PRICES);
  try {
    const body = await redis.hget<string>(hash, field);
    return body === null ? null : parseRedisTicker(body);
  } catch (error) {
    redisBadUntil = now + RESPITE;
    console.warn("reading Redis failed, going on without it", error instanceof Error ? error.message : error);
    return null;
  }
}

function withoutAsOf<T extends { asOf: number }>({ asOf: _asOf, ...latest }: T): Omit<T, "asOf"> {
  return latest;
}

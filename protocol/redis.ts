/** How the latest state stands in Redis, so that other programs can read it and subscribe to it. */

import { z } from "zod";
import { type Source, timestamp } from "./events.ts";
import { latestTicker } from "./ingest.ts";
import { parseInstrument } from "./instrument.ts";

export interface RedisKeys {
  /** A hash per market: `tickcast:upbit:KRW`. */
  readonly hash: string;
  /** The instrument's field in it: `BTC-KRW`. */
  readonly field: string;
  /** Where each write is published: `tickcast:upbit:BTC-KRW`. */
  readonly channel: string;
}

/**
 * @param prefix put before everything
 * @param prices what is not live has keys of its own: `tickcast-sim:upbit:KRW`
 */
export function redisKeys(instrument: string, prefix = "tickcast", prices: Source = "live"): RedisKeys {
  const { exchange, quote, symbol } = parseInstrument(instrument);
  const suffix = { live: "", simulated: "-sim", replay: "-replay" }[prices];
  return keysWith(`${prefix}${suffix}`, exchange, quote, symbol);
}

function keysWith(prefix: string, exchange: string, quote: string, symbol: string): RedisKeys {
  return { hash: `${prefix}:${exchange}:${quote}`, field: symbol, channel: `${prefix}:${exchange}:${symbol}` };
}

/** What a field holds: the newest ticker and up to when it is known to be the newest, ms. */
export const redisTicker = latestTicker.extend({ asOf: timestamp });
export type RedisTicker = z.infer<typeof redisTicker>;

/** @throws {z.ZodError} when the field holds something else */
export function parseRedisTicker(body: string): RedisTicker {
  return redisTicker.parse(z.json().parse(JSON.parse(body)));
}

/**
 * Sets the field and publishes, unless something newer of the same epoch stands there: a slow request may arrive after a
 * later one. Keys: hash, channel. Arguments: field, body, epoch, seq. Answers 1 when it wrote.
 */
export const WRITE_SCRIPT = `
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  local was = cjson.decode(old)
  if was.epoch == ARGV[3] and was.seq > tonumber(ARGV[4]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', KEYS[2], ARGV[2])
return 1`;

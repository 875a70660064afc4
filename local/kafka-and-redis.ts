/** Kafka and Redis for a stack: a given one, or a local one with all that it needs. */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { kafkaJars, redisServer } from "./artefacts.ts";
import { findJava } from "./find-program.ts";
import { type Found, found, type Missing } from "./found.ts";
import { type Kafka, startKafka } from "./kafka.ts";
import { type Redis, startRedis } from "./redis.ts";
import { startUpstashRest, type UpstashRest } from "./upstash/server.ts";

/** The data folder of local parts, and a progress callback. */
export interface PartOptions {
  /** Of the stack; each part has a folder in it. */
  dataDir: string;
  logDir: string;
  cacheDir?: string;
  onProgress: (message: string) => void;
}

/** How a local Kafka differs from one node that is found dead in Kafka's own time. */
export interface LocalKafkaOptions {
  nodes?: 1 | 3;
  fastFailover?: boolean;
}

/** A Redis with the REST endpoint in front of it, which is what the Worker talks to. */
export interface LocalRedis {
  redis: Redis;
  upstash: UpstashRest;
}

/** Finds Java, fetches Kafka, starts it. */
export async function startLocalKafka(part: PartOptions, options: LocalKafkaOptions = {}): Promise<Found<Kafka>> {
  const java = await findJava();
  if (!java.ok) return java;
  const jars = await kafkaJars(part);
  if (!jars.ok) return jars;
  const { logDir, onProgress } = part;
  const dataDir = join(part.dataDir, "kafka");
  return startKafka({ dataDir, logDir, java: java.value, jars: jars.value, onProgress, ...options });
}

/** Finds or fetches Redis, starts it and its REST endpoint. */
export async function startLocalRedis(part: PartOptions): Promise<Found<LocalRedis>> {
  const binary = await redisServer(part);
  if (!binary.ok) return binary;
  const { logDir, onProgress } = part;
  const dataDir = join(part.dataDir, "redis");
  const redis = await startRedis({ binary: binary.value, dataDir, logDir, onProgress });
  if (!redis.ok) return redis;
  const upstash = await startUpstashRest({ redisUrl: redis.value.url, token: randomBytes(16).toString("hex") });
  if (upstash.ok) return found({ redis: redis.value, upstash: upstash.value });
  await redis.value.stop();
  return upstash;
}

/** The hint for a missing part: the reason, and how to install it. */
export function hint(part: string, { reason, remedy }: Missing): string {
  return `no ${part}: ${reason}; ${remedy}`;
}

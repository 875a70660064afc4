/** Whether prices flow, and which of the parts behind them are up. */

import type { Directory } from "../durable-objects/registry/directory.ts";
import { REPORT_LIFE } from "../durable-objects/registry/registry.ts";
import { connectRedis } from "../durable-objects/symbol-feed/redis-writer.ts";
import type { HealthBody, Mode } from "../protocol/rest.ts";
import { directory } from "./directory.ts";
import type { Env } from "./env.ts";
import { exchangeStatuses } from "./exchange-status.ts";

/** A Redis that takes longer to answer is no help to anyone, ms. */
const REDIS_PATIENCE = 1000;

type Component = HealthBody["components"]["kafka"];

export async function checkHealth(env: Env, now: number): Promise<HealthBody> {
  const [registry, redis] = await Promise.all([directory(env, now), redisHealth(env)]);
  const kafka = kafkaHealth(registry, now);
  const exchanges = exchangeStatuses(registry, now);
  // One of which nothing is collected is nobody's trouble.
  const wanted = exchanges.filter(({ exchange }) => !registry.isDropped(exchange));
  const anyLive = wanted.some(({ state }) => state === "live");
  const allWell = wanted.every(({ state }) => state === "live") && kafka.state !== "down" && redis.state !== "down";
  return {
    status: anyLive
      ? allWell
        ? "ok"
        : "degraded"
      : wanted.some(({ state }) => state === "stale")
        ? "degraded"
        : "down",
    mode: modeOf(env, registry, now),
    components: {
      kafka,
      redis,
      edge: { state: "up" },
      exchanges: Object.fromEntries(exchanges.map(({ exchange, ...status }) => [exchange, status])),
    },
    hints: [...new Set(freshReports(registry, now).flatMap(({ hints }) => hints))],
  };
}

/** Two independent switches make the mode: whether the ingestor has Kafka, and whether the Worker has Redis. */
export function modeOf(env: Env, registry: Directory, now: number): Mode {
  const kafka = kafkaHealth(registry, now).state !== "absent";
  const redis = connectRedis(env) !== undefined;
  if (kafka) return redis ? "kafka+redis" : "kafka";
  return redis ? "redis" : "direct";
}

/** An ingestor that has gone silent is still one with Kafka: the mode does not change when it dies. */
function kafkaHealth(registry: Directory, now: number): Component {
  const all = Object.values(registry.reports);
  const states = freshReports(registry, now).map(({ kafka }) => kafka);
  if (all.every(({ kafka }) => kafka === "absent")) return { state: "absent" };
  if (states.length === 0) return { state: "down", detail: "no ingestor reports" };
  return states.includes("down")
    ? { state: "down", detail: "an ingestor can't reach Kafka, or can't write to it" }
    : { state: "up" };
}

function freshReports(registry: Directory, now: number) {
  return Object.values(registry.reports).filter(({ at }) => now - at <= REPORT_LIFE);
}

async function redisHealth(env: Env): Promise<Component> {
  const redis = connectRedis(env, REDIS_PATIENCE);
  if (redis === undefined) return { state: "absent" };
  try {
    await redis.ping();
    return { state: "up" };
  } catch (error) {
    return { state: "down", detail: error instanceof Error ? error.message : String(error) };
  }
}

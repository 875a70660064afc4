/** Simulated, then live, then simulated again, on the same Kafka, Redis and objects: the two histories never meet. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createLogger } from "../ingestor/logger.ts";
import { readLog } from "../ingestor/verify/read-log.ts";
import type { Kafka } from "../local/kafka.ts";
import type { LocalRedis } from "../local/kafka-and-redis.ts";
import { startLocalKafka, startLocalRedis } from "../local/kafka-and-redis.ts";
import { type Stack, startStack } from "../local/stack.ts";
import type { StackOptions } from "../local/stack-options.ts";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { redisKeys, redisTicker } from "../protocol/redis.ts";
import { tradesBody } from "../protocol/rest.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { startSimulator } from "../simulator/start-simulator.ts";
import { upbit } from "../simulator/upbit/dialect.ts";
import { Recorder } from "./support/recorder.ts";
import { until } from "./support/until.ts";

const kafkaHere = await requireKafka();
await requireRedis();

/** Two simulators that execute in the same millisecond give the same id; their sizes differ. */
function keyOf({ id, size }: { readonly id: string | null; readonly size: string }): string {
  return `${id}/${Number(size)}`;
}

kafkaHere.describe("simulated, live, simulated", () => {
  let folder: string;
  let kafka: Kafka;
  let redis: LocalRedis;
  /** Stands for the real exchange: an address that was given is taken for it. */
  let real: Simulator;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tickcast-test-"));
    const part = { dataDir: folder, logDir: join(folder, "logs"), onProgress: () => undefined };
    const [foundKafka, foundRedis] = await Promise.all([startLocalKafka(part), startLocalRedis(part)]);
    if (!foundKafka.ok || !foundRedis.ok) throw new Error("both were there a moment ago");
    [kafka, redis] = [foundKafka.value, foundRedis.value];
    real = await startSimulator({ dialect: upbit, rate: 100, seed: 7 });
  });

  afterAll(async () => {
    await real?.stop();
    await redis?.upstash.stop();
    await redis?.redis.kill();
    await kafka?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a stack over the same folder until a client has trades; what the client and REST gave, and the simulator's ids. */
  async function run(options: Partial<StackOptions>) {
    const stack: Stack = await startStack({
      dataDir: folder,
      source: "simulated",
      restart: false,
      bundle: inject("workerBundle"),
      exchanges: ["upbit"],
      kafka: { brokers: kafka.brokers },
      redis: redis.upstash,
      ...options,
    });
    await until(async () => (await fetch(`${stack.url}/v1/trades/upbit/BTC-KRW`)).ok, "the market to be known");
    const recorder = new Recorder(stack.url, "upbit:BTC-KRW@trade@raw");
    try {
      await until(() => recorder.trades.length > 20, "trades");
      const response = await fetch(`${stack.url}/v1/trades/upbit/BTC-KRW?limit=1000`);
      const rest = tradesBody.parse(await response.json()).trades.map(keyOf);
      const sources = new Set(recorder.items.map(({ source = "live" }) => source));
      return { trades: recorder.trades.map(keyOf), rest, sources: [...sources] };
    } finally {
      recorder.close();
      await stack.stop();
    }
  }

  const ticker = async (prices: "live" | "simulated") => {
    const client = new Redis({ url: redis.upstash.url, token: redis.upstash.token, automaticDeserialization: false });
    const { hash, field } = redisKeys("upbit:BTC-KRW", "tickcast", prices);
    return redisTicker.parse(JSON.parse((await client.hget<string>(hash, field)) ?? ""));
  };
  const logged = async (prefix: string) => {
    const logs = await readLog({ brokers: kafka.brokers, ssl: false, prefix }, "upbit", createLogger("silent"));
    return logs.flatMap(({ events }) => events).flatMap(({ event }) => (event.type === "trade" ? [keyOf(event)] : []));
  };

  test("no trade, ticker or position of the one is ever given as the other's", async () => {
    const first = await run({});
    const live = await run({
      source: "live",
      ingestor: { UPBIT_WS_URL: real.wsUrl, UPBIT_REST_URL: real.restUrl },
    });
    const again = await run({});
    expect([first.sources, live.sources, again.sources]).toEqual([["simulated"], ["live"], ["simulated"]]);
    const ofReal = new Set(real.executed(0, 100_000).trades.map(({ id, volume }) => keyOf({ id, size: volume })));
    const simulated = [...first.trades, ...first.rest, ...again.trades, ...again.rest];
    expect(simulated.filter((key) => ofReal.has(key))).toEqual([]);
    expect([...live.trades, ...live.rest].filter((key) => !ofReal.has(key))).toEqual([]);
    // The third run goes on with the history of the first.
    expect(again.rest).toEqual(expect.arrayContaining(first.trades));
    const [inSimulated, inLive] = [await logged("sim."), new Set(await logged(""))];
    expect(inSimulated.filter((key) => inLive.has(key))).toEqual([]);
    expect([(await ticker("live")).source, (await ticker("simulated")).source]).toEqual(["live", "simulated"]);
  }, 120_000);
});

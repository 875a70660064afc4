/** After the last tick nothing is left undone: stored, acked, committed and in Redis within three seconds, with no tick to push it. */

import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createKafka, names } from "../ingestor/log/kafka/client.ts";
import { committedOffsets } from "../ingestor/log/kafka/offsets.ts";
import { createLogger } from "../ingestor/logger.ts";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { redisKeys, redisTicker } from "../protocol/redis.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
await requireRedis();

kafka.describe("silence after the last tick", () => {
  let stack: TestStack;
  let recorder: Recorder | undefined;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 200 } });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    recorder?.close();
    await stack?.stop();
  });

  test("everything that is listened to is committed and in Redis within 3 s", async () => {
    recorder = new Recorder(stack.url, "upbit:BTC-KRW@ticker@raw");
    await until(() => (recorder?.items.length ?? 0) > 20, "tickers");
    stack.simulator?.pace.pause();
    const paused = Date.now();
    await until(async () => (await redisSeq()) === recorder?.last?.seq, "the newest ticker in Redis", 10_000);
    expect(Date.now() - paused).toBeLessThan(3000);
    const { epoch = "", seq = 0 } = recorder.last ?? {};
    const partition = Number(epoch.split("-").at(-1));
    await until(async () => (await committed(partition)) > seq, "the newest ticker committed", 10_000);
    expect(Date.now() - paused).toBeLessThan(4000);
  });

  async function redisSeq(): Promise<number | undefined> {
    const { url = "", token = "" } = stack.upstash ?? {};
    const redis = new Redis({ url, token, automaticDeserialization: false });
    const { hash, field } = redisKeys("upbit:BTC-KRW", "tickcast-sim");
    const body = await redis.hget<string>(hash, field);
    return body === null ? undefined : redisTicker.parse(JSON.parse(body)).seq;
  }

  async function committed(partition: number): Promise<number> {
    const { ticks, group } = names("sim.", "upbit");
    const admin = createKafka({ brokers: stack.kafka?.brokers ?? [], ssl: false }, createLogger("silent")).admin();
    await admin.connect();
    const offsets = await committedOffsets(admin, group, ticks);
    await admin.disconnect();
    return offsets.get(partition)?.offset ?? -1;
  }
});

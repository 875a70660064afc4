/** After the last tick nothing is left undone: stored, acked, committed and in Redis, with no tick and no idle batch to push it. */

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
    // Longer than the test: what comes by itself can only have come because of the silence.
    stack = await startTestStack({ simulator: { rate: 200 }, idleBatch: 600_000 });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    recorder?.close();
    await stack?.stop();
  });

  test("everything that is listened to is committed and in Redis", async () => {
    recorder = new Recorder(stack.url, "upbit:BTC-KRW@ticker@raw");
    await until(() => (recorder?.items.length ?? 0) > 20, "tickers");
    stack.simulator?.pace.pause();
    await until(async () => (await redisSeq()) === recorder?.last?.seq, "the newest ticker in Redis");
    const { epoch = "", seq = 0 } = recorder.last ?? {};
    const partition = Number(epoch.split("-").at(-1));
    await until(async () => (await committed(partition)) > seq, "the newest ticker committed");
    expect([await redisSeq(), recorder.last?.seq]).toEqual([seq, seq]);
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

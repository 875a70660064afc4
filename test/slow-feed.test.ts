/** One object takes nothing for a while: it is parked, its partition's others keep their pace, and afterwards it lacks nothing. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startIngestor } from "../local/ingestor.ts";
import type { Service } from "../local/service.ts";
import { requireKafka } from "../local/testing.ts";
import type { DataItem } from "../protocol/frames.ts";
import { expectUnbroken, quiesce } from "./support/complete.ts";
import { Recorder } from "./support/recorder.ts";
import { type SlowProxy, startSlowProxy } from "./support/slow-proxy.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();

kafka.describe("a slow feed", () => {
  let stack: TestStack;
  let proxy: SlowProxy;
  let ingestor: Service | undefined;
  let recorders: Recorder[] = [];

  beforeAll(async () => {
    stack = await startTestStack({
      simulator: { rate: 1000, spread: "uniform" },
      redis: false,
      ingestor: false,
    });
    proxy = await startSlowProxy(stack.url);
    // One partition, so that the slow feed has every other one as a neighbour; parked early, so that it need not take long.
    const env = { ...stack.ingestorEnv, EDGE_URL: proxy.url, KAFKA_PARTITIONS: "1", FEED_MEMORY_BYTES: "100000" };
    ingestor = await startIngestor({ env, logFile: join(stack.logDir, "ingestor.log") });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    for (const recorder of recorders) recorder.close();
    await ingestor?.kill();
    await proxy?.stop();
    await stack?.stop();
  });

  test("is parked and read for again; its neighbours notice nothing", async () => {
    const slow = new Recorder(stack.url, "upbit:XRP-KRW@trade@raw");
    const others = ["BTC-KRW@trade@raw", "ETH-KRW@trade@raw"].map(
      (stream) => new Recorder(stack.url, `upbit:${stream}`),
    );
    recorders = [slow, ...others];
    await until(() => recorders.every(({ trades }) => trades.length > 20), "trades of all");
    proxy.hold("/v1/ingest/upbit/XRP-KRW");
    const counts = others.map(({ items }) => items.length);
    const usual = others.map(({ items }) => latency(items));
    await until(async () => (await logged("parked until it does")) > 0, "the slow feed parked");
    for (const [i, { items, stream }] of others.entries()) {
      const during = items.slice(counts[i]);
      expect(during.length, stream).toBeGreaterThan(20);
      // Held up by a slow neighbour they would be seconds late; a busy machine is late by itself.
      expect(latency(during), stream).toBeLessThan(Math.max(500, 2 * (usual[i] ?? 0)));
    }
    const before = slow.trades.length;
    proxy.release();
    await until(async () => (await logged("reading the log again")) > 0, "the log read again");
    await until(() => slow.trades.length > before + 50, "trades of the slow feed");
    const logs = await quiesce(stack, recorders);
    for (const recorder of recorders) expectUnbroken(recorder, logs);
  });

  /** From the log to the feed: median, ms. */
  function latency(items: readonly DataItem[]): number {
    const all = items.map(({ t }) => t.edge - t.logged).sort((a, b) => a - b);
    return all[Math.floor(all.length / 2)] ?? 0;
  }

  /** How often the ingestor has logged this of the slow feed. */
  async function logged(message: string): Promise<number> {
    const text = await readFile(join(stack.logDir, "ingestor.log"), "utf8");
    return text.split("\n").filter((line) => line.includes("upbit:XRP-KRW") && line.includes(message)).length;
  }
});

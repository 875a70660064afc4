/** The topic is deleted and made again while everything runs: a new epoch, announced to every client, and nothing is stuck. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { askAgain } from "../ingestor/log/kafka/ask-again.ts";
import { createKafka, names } from "../ingestor/log/kafka/client.ts";
import { createLogger } from "../ingestor/logger.ts";
import { compare, continuousRuns } from "../ingestor/verify/compare.ts";
import { requireKafka } from "../local/testing.ts";
import { expectNoRepeats, quiesce } from "./support/complete.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();

kafka.describe("a topic deleted and made again", () => {
  let stack: TestStack;
  let recorders: Recorder[];

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 500, spread: "uniform" }, redis: false });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    for (const recorder of recorders ?? []) recorder.close();
    await stack?.stop();
  });

  test("goes on in a new epoch, with a snapshot and a gap, and is whole from there on", async () => {
    recorders = ["BTC-KRW@trade@raw", "ETH-KRW@trade@100ms", "XRP-KRW@ticker@raw"].map(
      (stream) => new Recorder(stack.url, `upbit:${stream}`),
    );
    await until(() => recorders.every(({ items }) => items.length > 10), "items before");
    const old = recorders.map(({ last }) => last?.epoch);
    await replaceTopic();
    await until(() => recorders.every(({ last }, i) => last?.epoch !== old[i]), "a new epoch");
    const counts = recorders.map(({ items }) => items.length);
    await until(() => recorders.every(({ items }, i) => items.length > (counts[i] ?? 0) + 10), "items after");
    const trading = recorders.filter(({ stream }) => stream.includes("@trade"));
    const logs = await quiesce(stack, trading);
    expectNoRepeats(logs);
    for (const { untilCut: items, stream, closes } of recorders) {
      expect(closes, "sockets stay").toEqual([]);
      const first = items.findIndex(({ epoch }) => epoch === items.at(-1)?.epoch);
      expect(items[first]?.snapshot, stream).toBe(true);
      expect(items[first]?.prev, stream).toBe(0);
      if (stream.includes("@ticker")) continue;
      expect(items[first + 1]?.gap, stream).toMatchObject({ cause: "epoch_changed", state: "lost" });
      const run = continuousRuns(items).at(-1);
      const log = logs.find(({ epoch }) => epoch === run?.epoch);
      expect(run === undefined ? ["nothing"] : compare(run, log?.events ?? []), stream).toEqual([]);
    }
  });

  async function replaceTopic(): Promise<void> {
    const { ticks } = names("sim.", "upbit");
    const admin = createKafka({ brokers: stack.kafka?.brokers ?? [], ssl: false }, createLogger("silent")).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [ticks] });
    await until(async () => !(await admin.listTopics()).includes(ticks), "the topic deleted");
    const configEntries = [{ name: "message.timestamp.type", value: "LogAppendTime" }];
    // The collector may have been quicker: it makes a topic that it misses.
    if (!(await admin.listTopics()).includes(ticks)) {
      const topics = [{ topic: ticks, numPartitions: 4, replicationFactor: 1, configEntries }];
      await askAgain(() => admin.createTopics({ topics }));
    }
    await admin.disconnect();
  }
});

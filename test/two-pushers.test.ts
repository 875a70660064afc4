/** Two pushers share an exchange; one is paused in the middle and resumed. The other takes over, without flapping. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startIngestor } from "../local/ingestor.ts";
import type { Service } from "../local/service.ts";
import { requireKafka } from "../local/testing.ts";
import { expectNoRepeats, expectUnbroken, quiesce } from "./support/complete.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
/** One in each of several partitions. */
const STREAMS = ["BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "LINK", "TRX"].map((base) => `upbit:${base}-KRW@trade@raw`);

kafka.describe("two pushers of one exchange", () => {
  let stack: TestStack;
  let pushers: Service[];
  let recorders: Recorder[];

  beforeAll(async () => {
    stack = await startTestStack({
      simulator: { rate: 500, spread: "uniform" },
      redis: false,
      ingestor: { ROLES: "collect" },
    });
    const env = { ...stack.ingestorEnv, ROLES: "push" };
    pushers = await Promise.all(["a", "b"].map((name) => startIngestor({ env, logFile: logFile(name) })));
    await pricesFlow(stack);
  });

  afterAll(async () => {
    for (const recorder of recorders ?? []) recorder.close();
    await Promise.all((pushers ?? []).map((pusher) => pusher.kill()));
    await stack?.stop();
  });

  test("one paused and woken: nothing twice, nothing lost, no flapping", async () => {
    await until(
      async () => (await count("a", "pushing")) > 0 && (await count("b", "pushing")) > 0,
      "both have partitions",
    );
    recorders = STREAMS.map((stream) => new Recorder(stack.url, stream));
    await moreTrades(20);
    const paused = pushers[0]?.pid ?? 0;
    process.kill(paused, "SIGSTOP");
    // The group gives the paused one's partitions away, and prices go on for everyone.
    await moreTrades(20);
    const joins = await count("a", "joined the group");
    process.kill(paused, "SIGCONT");
    await until(async () => (await count("a", "joined the group")) > joins, "the woken one joins again");
    await moreTrades(50);
    const logs = await quiesce(stack, recorders);
    expectNoRepeats(logs);
    for (const recorder of recorders) expectUnbroken(recorder, logs);
    // Each feed changed its publisher a few times at most: its status went down and up, and stayed up.
    for (const { statuses } of recorders)
      expect(statuses.filter(({ state }) => state === "down").length).toBeLessThan(5);
  });

  function logFile(name: string): string {
    return join(stack.logDir, `pusher-${name}.log`);
  }

  async function count(name: string, message: string): Promise<number> {
    const text = await readFile(logFile(name), "utf8");
    return text.split("\n").filter((line) => line.includes(`"msg":"${message}"`)).length;
  }

  async function moreTrades(times: number): Promise<void> {
    const before = recorders.map(({ trades }) => trades.length);
    await until(
      () => recorders.every(({ trades }, i) => trades.length >= (before[i] ?? 0) + times),
      `${times} more trades of each`,
    );
  }
});

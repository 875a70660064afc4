/** kill -9 of each part, in the middle of 2,000 trades a second over all markets. */

import { afterAll, beforeAll, test } from "vitest";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { backfilled, expectAllReceived, expectNoRepeats, expectUnbroken, quiesce } from "./support/complete.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
await requireRedis();

const STREAMS = [
  "BTC-KRW@trade@raw",
  "ETH-KRW@trade@100ms",
  "XRP-KRW@trade@raw",
  "BTC-USDT@trade@100ms",
  "ETH-BTC@trade@raw",
];

kafka.describe("killed in the middle of 2,000 trades a second", () => {
  let stack: TestStack;
  let recorders: Recorder[];

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 2000, spread: "uniform" } });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    for (const recorder of recorders ?? []) recorder.close();
    await stack?.stop();
  });

  /** Clients that are there before and after what `happens`, and have seen trades on both sides of it. */
  async function through(happens: () => Promise<void>): Promise<void> {
    recorders = STREAMS.map((stream) => new Recorder(stack.url, `upbit:${stream}`));
    stack.simulator?.pace.resume();
    await moreTrades(20);
    await happens();
    await moreTrades(20);
    const logs = await quiesce(stack, recorders);
    expectNoRepeats(logs);
    for (const recorder of recorders) {
      expectUnbroken(recorder, logs);
      recorder.close();
    }
  }

  async function components(): Promise<{ kafka: { state: string } }> {
    const { body } = await stack.get("/v1/health");
    return (body as { components: { kafka: { state: string } } }).components;
  }

  async function moreTrades(count: number): Promise<void> {
    const before = recorders.map(({ trades }) => trades.length);
    await until(
      () => recorders.every(({ trades }, i) => trades.length >= (before[i] ?? 0) + count),
      `${count} more trades of each`,
    );
  }

  test("the Worker and its objects", async () => {
    await through(async () => {
      await stack.worker.kill();
      await stack.worker.start();
    });
    await expectAllReceived(stack);
  });

  test("Kafka's only broker", async () => {
    await through(async () => {
      const [broker] = stack.kafka?.nodes ?? [];
      // Counted by their numbers: the simulator keeps only so many of them.
      const traded = () => stack.simulator?.state().head ?? 0;
      const before = traded();
      await broker?.kill();
      try {
        // The collector goes on without it: a minute's trades wait in its memory.
        await until(() => traded() > before + 120_000, "trades during the outage", 120_000);
      } finally {
        await broker?.start();
      }
    });
    await expectAllReceived(stack);
    // The outage alone may take two minutes where the machine is busy.
  }, 300_000);

  test("Kafka hanging: health says so, and nothing is lost when it goes on", async () => {
    await through(async () => {
      const pid = stack.kafka?.nodes[0]?.pid ?? 0;
      process.kill(pid, "SIGSTOP");
      await until(async () => (await components()).kafka.state === "down", "Kafka down in /v1/health");
      process.kill(pid, "SIGCONT");
      await until(async () => (await components()).kafka.state === "up", "Kafka up in /v1/health");
    });
    await expectAllReceived(stack);
  });

  test("the ingestor: what was traded while it was away is fetched", async () => {
    const { head = 0 } = stack.simulator?.state() ?? {};
    await through(async () => {
      await stack.ingestor?.kill();
      await stack.ingestor?.start();
      const healed = ({ gaps }: Recorder) =>
        gaps.some(({ cause, state }) => cause === "collector_restart" && state === "healed");
      await until(() => recorders.every(healed), "what was missed to be fetched");
    });
    const logs = await backfilled(stack, head);
    await expectAllReceived(stack);
    expectNoRepeats(logs);
  });

  test("Redis: prices go on, health says so, and it catches up", async () => {
    await through(async () => {
      const killed = Date.now();
      await stack.redis?.kill();
      await until(async () => {
        const { status, body } = await stack.get("/v1/health");
        return status === 200 && (body as { status: string }).status === "degraded";
      }, "degraded health");
      // REST answers from the objects, with prices that came after Redis had gone.
      await until(async () => {
        const { body } = await stack.get("/v1/tickers/upbit/BTC-KRW");
        return (body as { t: { logged: number } }).t.logged > killed;
      }, "a ticker newer than the death of Redis");
      await stack.redis?.start();
    });
    await until(
      async () =>
        (await stack.get("/v1/health")).body !== null &&
        ((await stack.get("/v1/health")).body as { status: string }).status === "ok",
      "health",
    );
  });
});

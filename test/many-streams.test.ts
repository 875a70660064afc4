/** Connections of many streams over the real parts: whoever comes and goes, everything that is claimed is true of the log. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { mulberry32 } from "../simulator/random.ts";
import { EventStreams, type ManyStreams, SocketStreams } from "./support/many-streams.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import type { StreamChecker } from "./support/stream-checker.ts";
import { until } from "./support/until.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const STEPS = Number(process.env["STEPS"] ?? 40);
const NAMES = [
  ["upbit:*-*@trade@100ms"],
  ["*:BTC-*@trade@raw"],
  ["upbit:*-KRW@trade@1s", "upbit:BTC-KRW@trade@raw"],
  ["upbit:BTC-KRW@trade@100ms", "binance:ETH-USDT@trade@100ms", "upbit:ETH-KRW@ticker@100ms"],
  ["*:*-*@ticker@1s", "binance:*-*@trade@raw"],
];

const kafka = await requireKafka();
await requireRedis();
/** Every list over both transports. */
const CLIENTS = NAMES.flatMap((names) =>
  [SocketStreams, EventStreams].map((Transport) => (url: string) => new Transport(url, names)),
);

kafka.describe("clients of many streams", () => {
  let stack: TestStack;
  let clients: ManyStreams[] = [];

  beforeAll(async () => {
    stack = await startTestStack({ exchanges: ["upbit", "binance"], simulator: { rate: 150 } });
    await pricesFlow(stack);
    await pricesFlow(stack, "BTC-USDT", "binance");
  });
  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
  });
  afterAll(() => stack?.stop());

  /** Each client has so many trades more. */
  async function moreTrades(count: number): Promise<void> {
    const owed = clients.map(({ checker }) => ({ checker, at: checker.trades + count }));
    const left = () => owed.filter(({ checker, at }) => checker.trades < at);
    await until(
      () => left().length === 0,
      () => `SEED=${SEED}: ${count} trades more; ${left().map(({ checker, at }) => lacking(checker, at))}`,
    );
  }

  function lacking({ streams, trades, frames }: StreamChecker, at: number): string {
    return `${streams} has ${trades} of ${at}, and was told last ${JSON.stringify(frames.slice(-6))}`;
  }

  /** What every client has of the log is what it was told that it has. */
  async function expectTold(): Promise<void> {
    for (const { checker } of clients) await checker.told();
    // What comes behind is not in what is read of the log.
    for (const client of clients) client.close();
    const logs = [...(await stack.log("upbit")), ...(await stack.log("binance"))];
    for (const { checker } of clients) expect(checker.compare(logs), `SEED=${SEED}`).toEqual([]);
    for (const { checker } of clients) expect(checker.begunAnew, `SEED=${SEED}`).toEqual([]);
    for (const { checker } of clients) expect(checker.proved(logs), `SEED=${SEED}`).toBeGreaterThan(STEPS);
  }

  test("come and go at random, and have every trade of the log, once and in order, up to each position told", async () => {
    const random = mulberry32(SEED);
    for (let step = 0; step < STEPS; step += 1) {
      const connect = CLIENTS[clients.length];
      if (connect !== undefined) clients.push(connect(stack.url));
      else clients[Math.floor(random() * clients.length)]?.lose();
      await moreTrades(Math.floor(random() * 40));
    }
    await expectTold();
  });

  test.each([
    ["the Worker with all its objects", () => stack.worker],
    ["the ingestor", () => stack.ingestor],
  ])("go on from their positions when %s is killed", async (_what, part) => {
    clients = CLIENTS.map((connect) => connect(stack.url));
    await moreTrades(20);
    await part()?.kill();
    await part()?.start();
    await moreTrades(20);
    await expectTold();
    for (const { checker } of clients) expect(JSON.stringify(checker.subscribed)).not.toContain("too_old");
  });
});

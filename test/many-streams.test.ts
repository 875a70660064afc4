/** Connections of many streams over the real parts: whoever comes and goes, everything that is claimed is true of the log. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PartitionLog } from "../ingestor/verify/read-log.ts";
import type { Service } from "../local/service.ts";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { dialects } from "../simulator/dialects.ts";
import { mulberry32 } from "../simulator/random.ts";
import { EventStreams, type ManyStreams, SocketStreams } from "./support/many-streams.ts";
import { metricsOf } from "./support/metrics.ts";
import { randomStreams } from "./support/random-streams.ts";
import { RawSocket } from "./support/raw-socket.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import type { StreamChecker } from "./support/stream-checker.ts";
import { until } from "./support/until.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const STEPS = Number(process.env["STEPS"] ?? 40);
const VISITORS = Number(process.env["VISITORS"] ?? 12);
/** How often a step kills the Worker or the ingestor: a longer search has them die under everything else. */
const KILLS = Number(process.env["KILLS"] ?? 0);
const EXCHANGES = dialects.map(({ name }) => name);
/** Of each exchange: what is tried here is who gets what, not how much there is. */
const MARKETS = 12;
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
    stack = await startTestStack({
      exchanges: EXCHANGES,
      ingestor: { METRICS_PORT: "0" },
      simulators: Object.fromEntries(
        dialects.map((dialect) => [dialect.name, { listings: dialect.listings().slice(0, MARKETS), rate: 80 }]),
      ),
    });
    for (const exchange of EXCHANGES)
      await pricesFlow(stack, exchange === "binance" ? "BTC-USDT" : "BTC-KRW", exchange);
    for (const simulator of stack.simulators.values()) simulator.pace.resume();
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
      () => `SEED=${SEED}: ${count} trades more; ${left().map(({ checker, at }) => describe([`${at}`, checker]))}`,
    );
  }

  /** All clients together have so many trades more: some of them listen to quiet instruments alone. */
  async function tradesOfAll(count: number): Promise<void> {
    const sum = () => clients.reduce((all, { checker }) => all + checker.trades, 0);
    const owed = sum() + count;
    await until(
      () => sum() >= owed,
      () => `SEED=${SEED}: ${owed - sum()} trades more`,
    );
  }

  function describe([what, { streams, trades, faults, frames }]: readonly [string, StreamChecker]): string {
    const last = JSON.stringify(frames.slice(-6));
    return `${what}: ${streams} has ${trades} trades, faults ${JSON.stringify(faults)}, and was told last ${last}`;
  }

  /** What every client has of the log is what it was told that it has. */
  async function expectTold(): Promise<void> {
    for (const { checker } of clients) await checker.told();
    // What comes behind is not in what is read of the log.
    for (const client of clients) client.close();
    const logs = await allLogs();
    for (const { checker } of clients) expect(checker.compare(logs), `SEED=${SEED}`).toEqual([]);
    for (const { checker } of clients) expect(checker.begunAnew, `SEED=${SEED}`).toEqual([]);
    for (const { checker } of clients) expect(checker.proved(logs), `SEED=${SEED}`).toBeGreaterThan(STEPS);
  }

  async function allLogs(): Promise<PartitionLog[]> {
    const logs: PartitionLog[] = [];
    for (const exchange of EXCHANGES) logs.push(...(await stack.log(exchange)));
    return logs;
  }

  /** Once nothing is traded any more, every stream of tickers ends with the newest of the log. */
  async function expectNewest(): Promise<void> {
    for (const simulator of stack.simulators.values()) simulator.pace.pause();
    let stale: (readonly [string, StreamChecker])[] = [];
    try {
      await until(
        async () => {
          const logs = await allLogs();
          stale = clients.flatMap(({ checker }) => checker.stale(logs).map((one) => [one, checker] as const));
          return stale.length === 0;
        },
        () => `SEED=${SEED}: ${stale.length} tickers to be the newest; ${stale.slice(0, 3).map(describe)}`,
      );
    } finally {
      for (const simulator of stack.simulators.values()) simulator.pace.resume();
    }
  }

  async function restart(part: Service | undefined): Promise<void> {
    await part?.kill();
    await part?.start();
  }

  // Before any others: they are lost with items on their way, that nobody counts at their end.
  test("and of one instrument have received as many items as the ingestor's metrics say", async () => {
    const [trades, tickers] = ["upbit:*-*@trade@raw", "binance:*-*@ticker@100ms"];
    const many = await RawSocket.open(stack.url, `/v1/stream?streams=${trades},${tickers}`);
    const [stream, path] = ["upbit:BTC-KRW@trade@raw", "/v1/stream/upbit/BTC-KRW"];
    const one = await RawSocket.open(stack.url, `${path}?channel=trade&rate=raw`);
    await until(() => many.items.length > 300 && one.items.length > 30, "items");
    const items = (socket: RawSocket, exchange: string) =>
      socket.items.filter(({ instrument }) => instrument.startsWith(`${exchange}:`)).length;
    expect((await metricsOf(stack)).size).toBeGreaterThan(0);
    // What was sent before the answer has come before it.
    many.send(JSON.stringify({ op: "unsubscribe", streams: [trades, tickers] }));
    one.send(JSON.stringify({ op: "unsubscribe", streams: [stream] }));
    for (const { frames } of [many, one])
      await until(() => frames.some(({ op }) => op === "unsubscribed"), "the answer");
    for (const socket of [many, one]) socket.close();
    let metrics: ReadonlyMap<string, number> = new Map();
    const edge = (name: string, labels: string) => metrics.get(`tickcast_edge_${name}{${labels}}`);
    const relay = 'class="fanout_relay",exchange=';
    const feed = 'class="symbol_feed",exchange="upbit"';
    await until(async () => {
      metrics = await metricsOf(stack);
      return (
        edge("closes_total", `${relay}"",code="left"`) === 1 && metrics.get(`tickcast_edge_streams{${feed}}`) === 0
      );
    }, "the relay's client has left, and the feed's has no stream, as the metrics say");
    for (const exchange of ["upbit", "binance"]) {
      expect(edge("items_total", `${relay}"${exchange}"`)).toBe(items(many, exchange));
      expect(edge("streams", `${relay}"${exchange}"`)).toBe(0);
      expect(edge("items_total", `class="partition_feed",exchange="${exchange}"`)).toBeGreaterThan(0);
    }
    expect(edge("frames_total", `${relay}""`)).toBe(many.frames.length);
    expect(edge("items_total", feed)).toBe(items(one, "upbit"));
    expect(edge("frames_total", feed)).toBe(one.frames.length);
    expect(edge("clients", `${relay}""`)).toBe(0);
  });

  const search = { timeout: 60_000 + (STEPS + VISITORS) * 3000 };
  test(
    "come and go at random, and have every trade of the log, once and in order, up to each position told",
    search,
    async () => {
      const random = mulberry32(SEED);
      const { body } = await stack.get("/v1/markets");
      const instruments = (body as { markets: { instrument: string }[] }).markets.map(({ instrument }) => instrument);
      for (let step = 0; step < STEPS + VISITORS; step += 1) {
        const Transport = random() < 0.5 ? SocketStreams : EventStreams;
        if (clients.length < VISITORS) clients.push(new Transport(stack.url, randomStreams(instruments, random)));
        else if (random() < KILLS) await restart(random() < 0.5 ? stack.worker : stack.ingestor);
        else clients[Math.floor(random() * clients.length)]?.lose();
        await tradesOfAll(Math.floor(random() * 20 * clients.length));
      }
      await expectNewest();
      await expectTold();
    },
  );

  test.each([
    ["the Worker with all its objects", () => stack.worker],
    ["the ingestor", () => stack.ingestor],
  ])("go on from their positions when %s is killed", async (_what, part) => {
    clients = CLIENTS.map((connect) => connect(stack.url));
    await moreTrades(20);
    await restart(part());
    await moreTrades(20);
    await expectTold();
    for (const { checker } of clients) expect(JSON.stringify(checker.subscribed)).not.toContain("too_old");
  });
});

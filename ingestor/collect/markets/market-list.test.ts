import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { MarketList } from "./market-list.ts";

let list: MarketList;
let running: Promise<void>;
let told: (readonly Market[])[];
afterEach(async () => {
  list.stop();
  await running;
});

const BTC = market("KRW-BTC");
const ETH = market("KRW-ETH");
function market(code: string): Market[] {
  return upbit.readMarkets(JSON.stringify([{ market: code }]));
}

const many = (count: number) =>
  upbit.readMarkets(JSON.stringify(Array.from({ length: count }, (_, i) => ({ market: `KRW-M${i}` }))));

/** Runs a list that is answered with `answers`, one after the other, the last one for good. */
function run(
  period: number,
  ...answers: (readonly Market[] | Promise<readonly Market[]> | Error | "never")[]
): { calls: () => number } {
  let calls = 0;
  const markets = async (_url: string, signal: AbortSignal) => {
    signal.throwIfAborted();
    const answer = answers[Math.min(calls, answers.length - 1)] ?? [];
    calls += 1;
    if (answer === "never")
      return new Promise<never>((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
    if (answer instanceof Error) throw answer;
    return [...(await answer)];
  };
  told = [];
  list = new MarketList({ ...upbit, markets }, "http://nowhere", pino({ level: "silent" }));
  running = list.run(period, (changed) => {
    expect(list.markets).toBe(changed);
    told.push(changed);
  });
  return { calls: () => calls };
}

it("tries until there is a first list; an empty one is none", async () => {
  const { calls } = run(60_000, new Error("no"), [], BTC);
  expect(list.markets).toEqual([]);
  expect(await list.ready).toEqual(BTC);
  expect([calls(), told, list.markets]).toEqual([3, [BTC], BTC]);
});

it("tells of a list that is another one, and keeps the last where none comes", async () => {
  const changed = Promise.withResolvers<readonly Market[]>();
  const { calls } = run(5, BTC, BTC, new Error("no"), [], changed.promise);
  await until(() => calls() === 5);
  expect([told, list.markets]).toEqual([[BTC], BTC]);
  changed.resolve(ETH);
  await until(() => calls() >= 7);
  expect([told, list.markets]).toEqual([[BTC, ETH], ETH]);
  // Whoever waits for a list is told of the first one.
  expect(await list.ready).toEqual(BTC);
});

it("tells of a market whose particulars have changed", async () => {
  const renamed = BTC.map((one) => ({ ...one, names: { ko: "비트코인", en: "Bitcoin" } }));
  run(5, BTC, renamed);
  await until(() => told.length === 2);
  expect(list.markets).toEqual(renamed);
});

it.each([
  ["between two attempts", new Error("no")],
  ["until the next time", BTC],
  ["while it asks", "never" as const],
])("asks for nothing more once it is stopped: %s", async (_when, answer) => {
  const { calls } = run(60_000, answer);
  await until(() => calls() > 0);
  const before = calls();
  list.stop();
  await running;
  expect(calls()).toBe(before);
});

it("looks again at once when it is told that it is out of date, also while it is being asked for", async () => {
  const first = Promise.withResolvers<readonly Market[]>();
  const { calls } = run(60_000, first.promise, BTC, ETH);
  await until(() => calls() === 1);
  list.refetch();
  first.resolve(BTC);
  await until(() => calls() === 2);
  expect(told).toEqual([BTC]);
  list.refetch();
  await until(() => told.length === 2);
  expect([calls(), list.markets]).toEqual([3, ETH]);
});

it("keeps the old list when a new one lacks most of its markets, says so, and believes it when it is told for long", async () => {
  const { calls } = run(5, many(30), many(20), many(20), many(9));
  await until(() => list.trouble !== undefined);
  expect(list.trouble).toContain("lacks 11 of 20 markets");
  expect([told.length, list.markets.length]).toEqual([2, 20]);
  await until(() => told.length === 3);
  // The first implausible answer was the fourth.
  expect(calls()).toBeGreaterThanOrEqual(3 + 30);
  expect([list.markets.length, list.trouble]).toEqual([9, undefined]);
});

it("counts implausible lists anew when the markets are there again", async () => {
  const lists = Array.from({ length: 80 }, (_, i) => many(i % 20 === 0 ? 30 : 3));
  const { calls } = run(1, ...lists, many(30));
  await until(() => calls() > 80);
  expect(told.length).toBe(1);
});

it("says why there is no list, until there is one", async () => {
  const there = Promise.withResolvers<readonly Market[]>();
  run(60_000, new Error("no network"), there.promise);
  await until(() => list.trouble !== undefined);
  expect(list.trouble).toBe("the market list can't be read: no network");
  there.resolve(BTC);
  await list.ready;
  expect(list.trouble).toBeUndefined();
});

describe("against a server", () => {
  let server: Server;
  let answers: (readonly [status: number, body: string, headers?: Record<string, string>])[];
  let asked: number[];

  beforeEach(async () => {
    asked = [];
    server = createServer((_, response) => {
      asked.push(Date.now());
      const [status, body, headers] = answers.shift() ?? [200, JSON.stringify([{ market: "KRW-BTC" }])];
      response.writeHead(status, headers).end(body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  function start(period: number): void {
    told = [];
    const restUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    list = new MarketList(upbit, restUrl, pino({ level: "silent" }));
    running = list.run(period, (changed) => told.push(changed));
  }

  it.each([
    ["418, seconds", 418, "1"],
    ["429, seconds", 429, "1"],
    ["503, a moment", 503, () => new Date(Date.now() + 2000).toUTCString()],
  ])("asks nothing for as long as it is told to: %s", async (_what, status, retryAfter) => {
    answers = [[status, "no", { "Retry-After": typeof retryAfter === "string" ? retryAfter : retryAfter() }]];
    start(60_000);
    await list.ready;
    const [first = 0, second = 0, ...more] = asked;
    expect(second - first).toBeGreaterThanOrEqual(950);
    expect(more).toEqual([]);
  });

  it("asks nothing while others are banned", async () => {
    answers = [];
    start(60_000);
    await list.ready;
    list.bans.record(`http://127.0.0.1`, { status: 429, header: () => "0.5" });
    const until500 = Date.now() + 500;
    list.refetch();
    await until(() => asked.length === 2);
    expect(asked[1]).toBeGreaterThanOrEqual(until500 - 10);
  });

  it("counts the rows that it left out, and says what is wrong with them", async () => {
    answers = [[200, '[{"market":"KRW-BTC"},{"market":"KRW-A.B"},{"market":null}]']];
    start(5);
    await list.ready;
    expect([list.markets, list.oddRows]).toEqual([BTC, 2]);
    expect(list.trouble).toBe("rows of the market list that can't be read: 2 (1.market: not QUOTE-BASE, e.g. KRW-BTC)");
    await until(() => list.oddRows === 0);
    expect(list.trouble).toBeUndefined();
  });

  it("does not take a market for gone whose row can't be read", async () => {
    const odd = '{"market":"KRW-ETH","korean_name":5}';
    answers = [
      [200, '[{"market":"KRW-BTC"},{"market":"KRW-ETH"}]'],
      [200, `[{"market":"KRW-BTC"},${odd}]`],
    ];
    start(20);
    await until(() => list.oddRows === 1);
    expect([told.length, list.markets]).toEqual([1, [...BTC, ...ETH]]);
    await until(() => told.length === 2);
    expect(list.markets).toEqual(BTC);
  });
});

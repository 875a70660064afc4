import { pino } from "pino";
import { afterEach, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { Market } from "../../protocol/ingest.ts";
import { upbit } from "../exchanges/upbit/index.ts";
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

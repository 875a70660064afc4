import { pino } from "pino";
import { afterEach, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { Market } from "../../protocol/ingest.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import { MarketList } from "./market-list.ts";

let list: MarketList;
afterEach(() => list.stop());

function market(code: string): Market[] {
  return upbit.readMarkets(JSON.stringify([{ market: code }]));
}

/** A list that is answered with `answers`, one after the other, the last one for good. */
function listOf(...answers: (readonly Market[] | Error)[]): { calls: () => number } {
  let calls = 0;
  const markets = async () => {
    const answer = answers[Math.min(calls, answers.length - 1)] ?? [];
    calls += 1;
    if (answer instanceof Error) throw answer;
    return [...answer];
  };
  list = new MarketList({ ...upbit, markets }, "http://nowhere", pino({ level: "silent" }));
  return { calls: () => calls };
}

it("tries until there is a first list; an empty one is none", async () => {
  listOf(new Error("no"), [], market("KRW-BTC"));
  expect(await list.first()).toEqual(market("KRW-BTC"));
});

it("tells of a list that is another one, and keeps the last where none comes", async () => {
  const { calls } = listOf(market("KRW-BTC"), market("KRW-BTC"), new Error("no"), [], market("KRW-ETH"));
  await list.first();
  const told: (readonly Market[])[] = [];
  list.watch(5, (markets) => told.push(markets));
  await until(() => calls() === 4);
  expect([told, list.markets]).toEqual([[], market("KRW-BTC")]);
  await until(() => calls() >= 7);
  expect([told, list.markets]).toEqual([[market("KRW-ETH")], market("KRW-ETH")]);
});

it("asks for nothing more once it is stopped", async () => {
  const { calls } = listOf(new Error("no"));
  const first = expect(list.first()).rejects.toThrow("stopping");
  await until(() => calls() === 1);
  list.stop();
  await first;
  expect(calls()).toBe(1);
});

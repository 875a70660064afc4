import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { korbit } from "./dialect.ts";

let sim: Simulator;
beforeAll(async () => {
  sim = await startSimulator({ dialect: korbit, paused: true, settings: { requests: null, historyRows: 5 } });
  for (let made = 0; made < 9; made += 1) sim.engine.execute("KRW-BTC");
});
afterAll(() => sim.stop());

const row = z.looseObject({ symbol: z.string().optional(), status: z.string().optional() });
const answer = z.object({ success: z.literal(true), data: z.array(row) });

async function rows(path: string): Promise<z.output<typeof row>[]> {
  const response = await fetch(sim.restUrl + path);
  return answer.parse(await response.json()).data;
}

test("the pairs, some of them stopped", async () => {
  const pairs = await rows("/v2/currencyPairs");
  expect(pairs[0]).toEqual({
    ...{ symbol: "btc_krw", status: "launched", baseCurrency: "btc", quoteCurrency: "krw" },
    ...{ minOrderValue: "5000", maxOrderValue: "1000000000" },
  });
  const stopped = pairs.filter(({ status }) => status === "stopped").map(({ symbol }) => symbol);
  expect(stopped).toEqual(["klay_krw", "wemix_krw"]);
  expect(pairs.map(({ symbol }) => symbol)).toEqual([...new Set(pairs.map(({ symbol }) => symbol))]);
});

test("the newest trades only, newest first, under the numbers of the frames", async () => {
  const executed = sim.executed().trades.filter(({ market }) => market === "KRW-BTC");
  const expected = executed.reverse().map(({ timestamp, price, volume, side, id }) => ({
    ...{ timestamp, price, qty: volume, isBuyerTaker: side === "BID", tradeId: Number(id) },
  }));
  expect(await rows("/v2/trades?symbol=btc_krw&limit=2")).toEqual(expected.slice(0, 2));
  expect(await rows("/v2/trades?symbol=btc_krw&limit=500")).toEqual(expected.slice(0, 5));
  expect(await rows("/v2/trades?symbol=btc_krw")).toHaveLength(5);
  expect(await rows("/v2/trades?symbol=klay_krw")).toEqual([]);
});

test("what was forgotten is offered no more", async () => {
  sim.engine.execute("KRW-SOL");
  sim.faults.inject({ fault: "forget" });
  sim.engine.execute("KRW-SOL");
  const newest = sim.executed().trades.at(-1);
  expect(await rows("/v2/trades?symbol=sol_krw")).toMatchObject([{ tradeId: Number(newest?.id) }]);
});

test("tickers of all pairs or of some, unknown ones left out silently", async () => {
  expect(await rows("/v2/tickers")).toHaveLength(sim.engine.markets.length + 2);
  const some = await rows("/v2/tickers?symbol=eth_krw,nope_krw,wemix_krw");
  expect(some.map(({ symbol }) => symbol)).toEqual(["eth_krw", "wemix_krw"]);
  expect(some[1]).toMatchObject({ close: "1020", volume: "0", bestAskPrice: "0", bestBidPrice: "0" });
});

test("a taken-off market is stopped, and launched when it is listed again", async () => {
  const status = async () => (await rows("/v2/currencyPairs")).find(({ symbol }) => symbol === "ada_krw")?.status;
  const price = sim.engine.market("KRW-ADA")?.statistics.ticker.price ?? 0n;
  sim.delist("KRW-ADA");
  expect(await status()).toBe("stopped");
  expect(await rows("/v2/tickers?symbol=ada_krw")).toMatchObject([
    { close: `${price / 10n ** 8n}`, bestBidPrice: "0" },
  ]);
  sim.engine.list({ code: "KRW-ADA", koreanName: "에이다", englishName: "Ada", price });
  expect(await status()).toBe("launched");
});

test.each([
  ["/v2/trades?symbol=nope_krw&limit=1", 400, "INVALID_CURRENCY_PAIR"],
  ["/v2/trades?symbol=BTC_KRW&limit=1", 400, "INVALID_CURRENCY_PAIR"],
  ["/v2/trades", 400, "BAD_REQUEST"],
  ["/v2/trades?symbol=btc_krw&limit=0", 400, "BAD_REQUEST"],
  ["/v2/trades?symbol=btc_krw&limit=501", 400, "BAD_REQUEST"],
  ["/v2/trades?symbol=btc_krw&limit=x", 400, "BAD_REQUEST"],
  ["/v2/nope", 404, "NOT_FOUND"],
])("%s is %i %s", async (path, code, message) => {
  const response = await fetch(sim.restUrl + path);
  expect(response.status).toBe(code);
  expect(await response.json()).toMatchObject({ success: false, error: { code, message } });
});

test("headers give the remaining requests; beyond them 429 with Retry-After", async () => {
  const requests = { count: 2, withinMs: 60_000 };
  const strict = await startSimulator({ dialect: korbit, paused: true, settings: { requests } });
  const ask = () => fetch(`${strict.restUrl}/v2/trades?symbol=btc_krw&limit=1`);
  const [first, , third] = [await ask(), await ask(), await ask()];
  await strict.stop();
  expect(first.status).toBe(200);
  expect(first.headers.get("ratelimit")).toBe("limit=2, remaining=1, reset=60");
  expect(first.headers.get("ratelimit-policy")).toBe("2;w=60");
  expect(third.status).toBe(429);
  expect(third.headers.get("retry-after")).toMatch(/^(59|60)$/);
  expect(await third.json()).toMatchObject({ success: false, error: { code: 429, message: "TOO_MANY_REQUESTS" } });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { tickIds } from "../upbit-protocol/test-rest.ts";
import { bithumb } from "./dialect.ts";
import { socketId } from "./numbers.ts";

let sim: Simulator;
/** Ten seconds before midnight in Korea. */
let now = Date.UTC(2026, 0, 5, 14, 59, 50);
beforeAll(async () => {
  sim = await startSimulator({ dialect: bithumb, paused: true, now: () => now, settings: { requests: [] } });
  for (let made = 0; made < 20; made += 1) {
    now += 1_000;
    sim.engine.execute("KRW-BTC");
  }
});
afterAll(() => sim.stop());

const ids = (query: string) => tickIds(sim, query);

/** All of KRW-BTC, newest first; the newest eleven are of today. */
function executed(): string[] {
  return sim.engine.history("KRW-BTC", 100).map(({ id }) => `${id}`);
}

test("the market list, with market_warning when asked for details", async () => {
  const bare: unknown = await (await fetch(`${sim.restUrl}/v1/market/all`)).json();
  expect(bare).toContainEqual({ market: "KRW-BTC", korean_name: "비트코인", english_name: "Bitcoin" });
  const full: unknown = await (await fetch(`${sim.restUrl}/v1/market/all?isDetails=true`)).json();
  expect(full).toContainEqual(expect.objectContaining({ market: "BTC-ETH", market_warning: "NONE" }));
});

test("trades newest first, one by default, page by page into the day before", async () => {
  expect(await ids("")).toEqual(executed().slice(0, 1));
  const first = await ids("&count=5");
  const rest = await ids(`&count=500&cursor=${first.at(-1)}`);
  expect([...first, ...rest]).toEqual(executed());
});

test("to is a time of the Korean day, exclusive; daysAgo without it stops where that day begins", async () => {
  expect(await ids("&count=500&to=00:00:05")).toEqual(executed().slice(6));
  expect(await ids("&count=500&to=000005")).toEqual(executed().slice(6));
  expect(await ids("&count=500&daysAgo=1&to=23:59:55")).toEqual(executed().slice(16));
  expect(await ids("&count=500&daysAgo=1")).toEqual([]);
  now += 86_400_000;
  expect(await ids("&count=500&daysAgo=1")).toEqual(executed().slice(11));
  expect(await ids("&count=500&days_ago=1")).toEqual(executed());
  now += 7 * 86_400_000;
  expect(await ids("&count=500")).toEqual([]);
  now -= 8 * 86_400_000;
});

test("a row has Bithumb's keys, UTC and an id that the WebSocket does not know", async () => {
  const response = await fetch(`${sim.restUrl}/v1/trades/ticks?market=KRW-BTC&to=00:00:05`);
  expect(response.headers.get("x-ratelimit-burst-capacity")).toBe("150");
  expect(await response.text()).toMatch(
    /^\[\{"market":"KRW-BTC","trade_date_utc":"2026-01-05","trade_time_utc":"15:00:04","timestamp":\d{13},"trade_price":\d+,"trade_volume":[\d.]+,"prev_closing_price":\d+,"change_price":-?\d+,"ask_bid":"(ASK|BID)","sequential_id":\d{17}\}\]$/,
  );
  const [newest = ""] = await ids("");
  expect(sim.executed().trades.at(-1)?.id).toBe(`${socketId(BigInt(newest))}`);
});

test("an unknown market is an error with status 200", async () => {
  const response = await fetch(`${sim.restUrl}/v1/trades/ticks?market=KRW-NOPE`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ error: { name: 404, message: "Code not found" } });
});

test.each([
  ["/v1/trades/ticks", 400, "market is missing, such as market=KRW-BTC"],
  ["/v1/trades/ticks?market=KRW-BTC&count=501", 400, "count is 1 … 500"],
  ["/v1/trades/ticks?market=KRW-BTC&to=25:00:00", 400, "to is HH:mm:ss or HHmmss, in KST"],
  ["/v1/trades/ticks?market=KRW-BTC&daysAgo=0", 400, "daysAgo is 1 … 7"],
  ["/v1/trades/ticks?market=KRW-BTC&cursor=x", 400, "cursor is a sequential_id"],
  ["/v1/nothing", 404, "no /v1/nothing here; there are /v1/market/all and /v1/trades/ticks"],
])("%s is %i", async (path, status, message) => {
  const response = await fetch(sim.restUrl + path);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: { name: status, message } });
});

test("too many requests in a second get 429", async () => {
  const settings = { requests: [{ count: 2, withinMs: 60_000 }] };
  const strict = await startSimulator({ dialect: bithumb, paused: true, settings });
  const ask = async () => (await fetch(`${strict.restUrl}/v1/trades/ticks?market=KRW-BTC`)).status;
  expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
  expect((await fetch(`${strict.restUrl}/v1/market/all`)).status).toBe(200);
  await strict.stop();
});

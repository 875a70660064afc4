import { afterAll, beforeAll, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { tickIds } from "../upbit-protocol/test-rest.ts";

let sim: Simulator;
let now = Date.UTC(2026, 0, 5, 23, 59, 50);
beforeAll(async () => {
  sim = await startSimulator({ paused: true, now: () => now, settings: { requests: [] } });
  for (let made = 0; made < 20; made += 1) {
    now += 1_000;
    sim.engine.execute("KRW-BTC");
  }
});
afterAll(() => sim.stop());

const ids = (query: string) => tickIds(sim, query);

test("the market list, with market_event when asked for details", async () => {
  const bare: unknown = await (await fetch(`${sim.restUrl}/v1/market/all`)).json();
  expect(bare).toContainEqual({ market: "KRW-BTC", korean_name: "비트코인", english_name: "Bitcoin" });
  const full: unknown = await (await fetch(`${sim.restUrl}/v1/market/all?is_details=true`)).json();
  expect(full).toContainEqual(
    expect.objectContaining({
      market: "KRW-1INCH",
      market_event: { warning: false, caution: expect.objectContaining({ PRICE_FLUCTUATIONS: false }) },
    }),
  );
});

test("trades newest first, one by default, page by page to the start of the UTC day", async () => {
  const executed = sim.engine.log.newest(100, ({ market }) => market === "KRW-BTC").map(({ id }) => `${id}`);
  expect(await ids("")).toEqual(executed.slice(0, 1));
  const first = await ids("&count=5");
  const rest = await ids(`&count=500&cursor=${first.at(-1)}`);
  expect([...first, ...rest]).toEqual(executed.slice(0, 11));
  expect(await ids("&count=500&days_ago=1")).toEqual(executed.slice(11));
});

test("to is exclusive and a row has Upbit's keys", async () => {
  const response = await fetch(`${sim.restUrl}/v1/trades/ticks?market=KRW-BTC&to=00:00:05`);
  expect(response.headers.get("remaining-req")).toContain("group=trade");
  const text = await response.text();
  expect(text).toMatch(
    /^\[\{"market":"KRW-BTC","trade_date_utc":"2026-01-06","trade_time_utc":"00:00:04","timestamp":\d{13},"trade_price":\d+\.0,"trade_volume":[\d.E-]+,"prev_closing_price":\d+\.0,"change_price":-?[\d.]+,"ask_bid":"(ASK|BID)","sequential_id":\d{17}\}\]$/,
  );
});

test.each([
  ["/v1/trades/ticks?market=KRW-NOPE", 404],
  ["/v1/trades/ticks", 400],
  ["/v1/trades/ticks?market=KRW-BTC&count=501", 400],
  ["/v1/trades/ticks?market=KRW-BTC&to=25:00:00", 400],
  ["/v1/trades/ticks?market=KRW-BTC&days_ago=8", 400],
  ["/v1/trades/ticks?market=KRW-BTC&cursor=x", 400],
  ["/v1/market/all?is_details=yes", 400],
  ["/v1/nothing", 404],
])("%s is %i", async (path, status) => {
  const response = await fetch(sim.restUrl + path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { name: status } });
});

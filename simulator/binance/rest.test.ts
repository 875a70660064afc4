import { afterAll, beforeAll, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { binance } from "./dialect.ts";

let sim: Simulator;
let now = Date.UTC(2026, 0, 5, 12, 0, 0);
beforeAll(async () => {
  sim = await startSimulator({ dialect: binance, paused: true, now: () => now, settings: { weightPerMinute: 200 } });
  for (let made = 0; made < 20; made += 1) {
    now += 1_000;
    sim.engine.execute("USDT-BTC");
  }
});
afterAll(() => sim.stop());

async function get(path: string): Promise<{ status: number; headers: Headers; body: unknown }> {
  // Each request in a minute of its own, so that weights do not get in each other's way.
  now += 60_000;
  const response = await fetch(`${sim.restUrl}/api/v3/${path}`);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function column(path: string, key: string): Promise<unknown[]> {
  const { body } = await get(path);
  return Array.isArray(body) ? body.map((row) => row[key]) : [];
}

const executed = () => sim.executed(0, 10_000).trades.filter(({ market }) => market === "USDT-BTC");
const ids = () => executed().map(({ id }) => Number(id));

test("the market list says what each symbol is made of, and whether it trades", async () => {
  sim.engine.setOpen("BNB-XRP", false);
  const { body, headers } = await get("exchangeInfo");
  expect(headers.get("x-mbx-used-weight-1m")).toBe("20");
  const fdusd = { symbol: "BTCFDUSD", status: "TRADING", baseAsset: "BTC", quoteAsset: "FDUSD" };
  expect(body).toMatchObject({ timezone: "UTC", symbols: expect.arrayContaining([expect.objectContaining(fdusd)]) });
  expect(JSON.stringify(body)).toContain(`"symbol":"XRPBNB","status":"BREAK"`);
  const trading = await get("exchangeInfo?permissions=SPOT&showPermissionSets=false&symbolStatus=TRADING");
  expect(JSON.stringify(trading.body)).not.toContain("XRPBNB");
  expect((await get("exchangeInfo?symbol=ETHBTC")).body).toMatchObject({ symbols: [{ symbol: "ETHBTC" }] });
});

test("trades: the newest, oldest of them first, with the ids of the stream", async () => {
  expect(await column("trades?symbol=BTCUSDT&limit=3", "id")).toEqual(ids().slice(-3));
  expect(await column("trades?symbol=BTCUSDT", "id")).toEqual(ids());
  const { body } = await get("trades?symbol=BTCUSDT&limit=1");
  const { id, price, volume, timestamp, side } = executed().at(-1) ?? {};
  const quoteQty = expect.stringMatching(/^\d+\.\d{8}$/);
  const row = { id: Number(id), price, qty: volume, quoteQty, time: timestamp, isBuyerMaker: side === "ASK" };
  expect(body).toEqual([{ ...row, isBestMatch: true }]);
});

test("historicalTrades: from an id on, which is among them", async () => {
  const path = "historicalTrades?symbol=BTCUSDT";
  expect(await column(`${path}&fromId=${ids()[4]}&limit=6`, "id")).toEqual(ids().slice(4, 10));
  expect(await column(`${path}&fromId=${ids()[18]}`, "id")).toEqual(ids().slice(18));
  expect(await column(`${path}&fromId=1&limit=2`, "id")).toEqual(ids().slice(0, 2));
  expect(await column(`${path}&limit=2`, "id")).toEqual(ids().slice(-2));
});

test("aggTrades: by id or by time, all bounds inclusive, oldest first", async () => {
  const path = "aggTrades?symbol=BTCUSDT";
  const all = await column(path, "a");
  const times = executed().map(({ timestamp }) => timestamp);
  expect(await column(path, "f")).toEqual(ids());
  expect(await column(`${path}&fromId=${all[3]}&limit=2`, "a")).toEqual(all.slice(3, 5));
  expect(await column(`${path}&startTime=${times[5]}&limit=2`, "a")).toEqual(all.slice(5, 7));
  expect(await column(`${path}&endTime=${times[5]}&limit=2`, "a")).toEqual(all.slice(4, 6));
  expect(await column(`${path}&startTime=${times[5]}&endTime=${times[7]}`, "a")).toEqual(all.slice(5, 8));
  expect(await column(`${path}&startTime=${times[5]}&endTime=${times[4]}`, "a")).toEqual([]);
});

test.each([
  ["trades?symbol=NOPE", 400, -1121],
  ["trades?symbol=btcusdt", 400, -1121],
  ["trades", 400, -1102],
  ["trades?symbol=BTCUSDT&fromId=1", 400, -1104],
  ["trades?symbol=BTCUSDT&limit=1001", 400, -1130],
  ["historicalTrades?symbol=BTCUSDT&fromId=x", 400, -1102],
  ["aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", 400, -1128],
  ["exchangeInfo?symbolStatus=OPEN", 400, -1122],
  ["exchangeInfo?symbol=NOPE", 400, -1121],
  ["nothing", 404, -1000],
])("%s is %i with code %i", async (path, status, code) => {
  expect(await get(path)).toMatchObject({ status, body: { code, msg: expect.stringMatching(/./) } });
});

test("weights add up within a minute; too much of it is 429 and says when to come back", async () => {
  now = Math.ceil(now / 60_000) * 60_000 + 120_000 + 15_000;
  const weigh = async (path: string) => {
    const { status, headers } = await fetch(`${sim.restUrl}/api/v3/${path}`);
    return [status, headers.get("x-mbx-used-weight-1m"), headers.get("retry-after")];
  };
  expect(await weigh("aggTrades?symbol=BTCUSDT")).toEqual([200, "4", null]);
  expect(await weigh("trades?symbol=BTCUSDT")).toEqual([200, "29", null]);
  for (const used of [54, 79, 104, 129, 154, 179]) {
    expect(await weigh("historicalTrades?symbol=BTCUSDT&limit=1")).toEqual([200, `${used}`, null]);
  }
  expect(await weigh("trades?symbol=BTCUSDT")).toEqual([429, "204", "45"]);
  now += 45_000;
  expect(await weigh("exchangeInfo")).toEqual([200, "20", null]);
});

test("what the exchange has forgotten is not in its history any more", async () => {
  sim.engine.log.forget();
  sim.engine.execute("USDT-BTC");
  const id = ids().at(-1);
  expect(await column("historicalTrades?symbol=BTCUSDT&fromId=1", "id")).toEqual([id]);
  expect(await column("aggTrades?symbol=BTCUSDT", "f")).toEqual([id]);
});

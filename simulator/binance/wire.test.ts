import { afterEach, beforeEach, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { TestClient } from "../test-client.ts";
import { binance } from "./dialect.ts";

let sim: Simulator;
beforeEach(async () => {
  sim = await startSimulator({
    dialect: binance,
    paused: true,
    settings: { messages: [], connects: [], tickerMs: 10 },
  });
});
afterEach(() => sim.stop());

async function listening(...streams: string[]): Promise<TestClient> {
  return TestClient.open(`${sim.wsUrl}?streams=${streams.join("/")}`);
}

async function asked(client: TestClient, request: object): Promise<unknown> {
  const before = client.texts.length;
  client.send(request);
  await client.until(() => client.texts.length > before);
  return JSON.parse(client.texts.at(-1) ?? "");
}

const data = (text = "") => JSON.parse(text).data;

test("a subscription is acknowledged and has no snapshot; trades come at once, as text, with consecutive ids", async () => {
  const client = await TestClient.open(sim.wsUrl);
  const request = { method: "SUBSCRIBE", params: ["btcusdt@trade", "ethusdt@trade"], id: 1 };
  expect(await asked(client, request)).toEqual({ result: null, id: 1 });
  for (const market of ["USDT-BTC", "USDT-ETH", "USDT-BTC"]) sim.engine.execute(market);
  await client.until(() => client.texts.length === 4);
  const [first, , last] = client.texts.slice(1);
  expect(first).toMatch(/^\{"stream":"btcusdt@trade","data":\{"e":"trade","E":\d{13},"s":"BTCUSDT","t":\d+,"p":"/);
  expect(data(last).t).toBe(data(first).t + 1);
  expect(client.allBinary).toBe(false);
  const spelled = { id: `${data(last).t}`, price: data(last).p, volume: data(last).q };
  expect(sim.executed().trades.at(-1)).toMatchObject({ ...spelled, market: "USDT-BTC", sentTo: 1 });
  expect(data(last).m).toBe(sim.executed().trades.at(-1)?.side === "ASK");
});

test("aggregates count by themselves and hold one trade each", async () => {
  const client = await listening("btcusdt@aggTrade", "btcusdt@trade");
  sim.engine.execute("USDT-BTC");
  sim.engine.execute("USDT-BTC");
  await client.until(() => client.texts.length === 4);
  const [one, two] = client.with(`"aggTrade"`).map(data);
  const trades = client.with(`"e":"trade"`).map(data);
  expect([one.f, one.l, two.f, two.l]).toEqual([trades[0].t, trades[0].t, trades[1].t, trades[1].t]);
  expect(two.a).toBe(one.a + 1);
  expect(two.a).not.toBe(two.l);
  expect(sim.executed().trades.at(-1)?.sentTo).toBe(1);
});

test("tickers come in rounds, for what has changed since the last", async () => {
  const client = await listening("btcusdt@ticker", "btcusdt@miniTicker", "!miniTicker@arr");
  sim.engine.execute("USDT-BTC");
  sim.engine.execute("USDT-BTC");
  await client.until(() => client.with("@arr").length === 1);
  const [ticker, mini, all] = client.texts.map(data);
  expect(ticker).toMatchObject({ e: "24hrTicker", s: "BTCUSDT", c: sim.executed().trades.at(-1)?.price });
  expect(ticker.L).toBe(Number(sim.executed().trades.at(-1)?.id));
  expect(ticker.L - ticker.F).toBe(ticker.n - 1);
  expect(mini).toMatchObject({ e: "24hrMiniTicker", c: ticker.c });
  expect(all).toEqual([mini]);
  sim.engine.execute("BTC-ETH");
  await client.until(() => client.with("@arr").length === 2);
  expect(client.texts.slice(3).map(data)).toMatchObject([[{ s: "ETHBTC" }]]);
});

test("one client's frames are raw once it has said so, and it can ask what it has", async () => {
  const client = await listening("btcusdt@trade", "ethusdt@trade");
  expect(await asked(client, { method: "SET_PROPERTY", params: ["combined", false], id: 5 })).toEqual({
    result: null,
    id: 5,
  });
  expect(await asked(client, { method: "GET_PROPERTY", params: ["combined"], id: 2 })).toEqual({
    result: false,
    id: 2,
  });
  expect(await asked(client, { method: "UNSUBSCRIBE", params: ["btcusdt@trade"], id: "u" })).toEqual({
    result: null,
    id: "u",
  });
  expect(await asked(client, { method: "LIST_SUBSCRIPTIONS", id: 3 })).toEqual({ result: ["ethusdt@trade"], id: 3 });
  sim.engine.execute("USDT-BTC");
  sim.engine.execute("USDT-ETH");
  await client.until(() => client.texts.length === 5);
  expect(client.texts.at(-1)).toMatch(/^\{"e":"trade","E":\d+,"s":"ETHUSDT"/);
});

test("unknown symbols, upper case and streams we do not serve are accepted and stay silent", async () => {
  const client = await TestClient.open(sim.wsUrl);
  const params = ["nopeusdt@trade", "BTCUSDT@trade", "btcusdt@depth", "!ticker@arr", "btcusdt@kline_1m"];
  expect(await asked(client, { method: "SUBSCRIBE", params, id: 1 })).toEqual({ result: null, id: 1 });
  sim.engine.execute("USDT-BTC");
  await asked(client, { method: "SUBSCRIBE", params: ["btcusdt@trade"], id: 2 });
  sim.engine.execute("USDT-BTC");
  await client.until(() => client.texts.length === 3);
  expect(client.texts[2]).toContain(`"btcusdt@trade"`);
});

test("a request that is wrong gets an error frame and harms nothing", async () => {
  const client = await listening("btcusdt@trade");
  expect(await asked(client, { method: "SUBSCRIBE", params: ["x@trade"] })).toMatchObject({ code: 2 });
  expect(await asked(client, { method: "NOPE", id: 7 })).toMatchObject({ error: { code: 2 }, id: 7 });
  sim.engine.execute("USDT-BTC");
  await client.until(() => client.texts.length === 3);
});

test("a delisted market falls silent without a notification, and its symbol is unknown", async () => {
  const client = await listening("btcusdt@trade", "btcusdt@ticker", "!miniTicker@arr");
  sim.delist("USDT-BTC");
  sim.engine.execute("USDT-ETH");
  await client.until(() => client.texts.length === 1);
  expect(client.texts[0]).toContain("ETHUSDT");
  const list = await (await fetch(`${sim.restUrl}/api/v3/exchangeInfo`)).text();
  expect(list).toContain("ETHUSDT");
  expect(list).not.toContain("BTCUSDT");
});

test("faults: repeat, a dropped trade, bad frames, an error", async () => {
  const client = await listening("btcusdt@trade");
  sim.engine.execute("USDT-BTC");
  sim.faults.inject({ fault: "skip", count: 1 });
  sim.engine.execute("USDT-BTC");
  sim.engine.execute("USDT-BTC");
  await client.until(() => client.texts.length === 2);
  const [first, second] = client.texts;
  expect(data(second).t).toBe(data(first).t + 2);
  expect(sim.faults.inject({ fault: "repeat", count: 2 })).toBe(2);
  for (const how of ["malformed", "wrong_type", "missing_field"] as const) {
    sim.faults.inject({ fault: "bad", how, market: "USDT-BTC" });
  }
  await client.until(() => client.texts.length === 7);
  expect(client.texts.slice(2, 4)).toEqual([first, second]);
  expect(() => JSON.parse(client.texts[4] ?? "")).toThrow(SyntaxError);
  expect(data(client.texts[5]).p).toBe(true);
  expect(data(client.texts[6])).not.toHaveProperty("p");
  sim.faults.inject({ fault: "error", name: "-1001", message: "Internal error" });
  await client.until(() => client.closeCode !== undefined);
  expect(client.texts.at(-1)).toBe(`{"code":-1001,"msg":"Internal error"}`);
});

test("drop cuts without a close frame", async () => {
  const client = await listening("btcusdt@trade");
  expect(sim.faults.inject({ fault: "drop" })).toBe(1);
  await client.until(() => client.closeCode === 1006);
});

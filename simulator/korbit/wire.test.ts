import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { TestClient } from "../test-client.ts";
import { korbit } from "./dialect.ts";
import type { KorbitSettings } from "./settings.ts";

const opened: Simulator[] = [];
let sim: Simulator;
beforeEach(async () => {
  sim = await start({});
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

async function start(settings: Partial<KorbitSettings>): Promise<Simulator> {
  const one = await startSimulator({ dialect: korbit, paused: true, settings });
  opened.push(one);
  return one;
}

/** A client with the snapshots of what it has subscribed to taken away. */
async function subscribed(types: readonly string[], symbols: readonly string[], on = sim): Promise<TestClient> {
  const client = await TestClient.open(on.wsUrl);
  client.send(types.map((type) => ({ method: "subscribe", type, symbols })));
  await client.until(() => client.texts.length === types.length * symbols.length);
  client.texts.length = 0;
  return client;
}

const subscribe = (type: string, symbols: readonly string[], requestId?: number) => [
  { method: "subscribe", type, symbols, requestId },
];

test("a success, a snapshot of each, then a ticker and a trade frame for each trade, all text", async () => {
  const client = await TestClient.open(sim.wsUrl);
  const binary: boolean[] = [];
  client.socket.on("message", (_, isBinary) => binary.push(isBinary));
  client.send([...subscribe("ticker", ["btc_krw"], 1), ...subscribe("trade", ["btc_krw"])]);
  await client.until(() => client.texts.length === 3);
  const snapshot = sim.executed().trades.find(({ market }) => market === "KRW-BTC");
  expect(client.texts[0]).toBe(`{"status":"success","requestId":1}`);
  expect(client.texts[1]).toMatch(/^\{"symbol":"btc_krw","timestamp":\d{13},"type":"ticker","snapshot":true,"data":\{/);
  expect(client.texts[2]).toMatch(/"type":"trade","snapshot":true,"data":\[\{.*\}\]\}$/);
  expect(client.texts[2]).toContain(`"tradeId":${snapshot?.id}}`);
  const trade = sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 5);
  const executed = sim.executed().trades.at(-1);
  expect(executed?.sentTo).toBe(1);
  expect(JSON.parse(client.texts[3] ?? "")).toMatchObject({ data: { close: executed?.price } });
  expect(JSON.parse(client.texts[4] ?? "")).toEqual({
    ...{ symbol: "btc_krw", timestamp: trade?.frameAt, type: "trade" },
    data: [
      {
        ...{ timestamp: executed?.timestamp, price: executed?.price, qty: executed?.volume },
        ...{ isBuyerTaker: executed?.side === "BID", tradeId: Number(executed?.id) },
      },
    ],
  });
  expect(binary).toEqual(Array(5).fill(false));
});

test("subscriptions add up, unsubscribing takes away, orderbook is accepted and silent", async () => {
  const client = await subscribed(["trade"], ["btc_krw", "eth_krw"]);
  client.send([
    ...subscribe("orderbook", ["btc_krw"], 1),
    ...subscribe("trade", ["xrp_krw"], 2),
    { requestId: 3, method: "unsubscribe", type: "trade", symbols: ["eth_krw"] },
  ]);
  await client.until(() => client.texts.length === 4);
  expect(client.texts.map((text) => JSON.parse(text))).toMatchObject([
    ...[{ requestId: 1 }, { requestId: 2 }, { symbol: "xrp_krw", snapshot: true }, { requestId: 3 }],
  ]);
  for (const market of ["KRW-ETH", "KRW-BTC", "KRW-XRP"]) sim.engine.execute(market);
  await client.until(() => client.texts.length === 6);
  expect(client.texts.slice(4).map((text) => JSON.parse(text).symbol)).toEqual(["btc_krw", "xrp_krw"]);
});

test.each(["nope_krw", "klay_krw", "BTC_KRW", "krw-btc"])("%s fails its whole request", async (bad) => {
  const client = await TestClient.open(sim.wsUrl);
  client.send([...subscribe("trade", ["btc_krw", bad], 2), ...subscribe("trade", [bad])]);
  client.send(subscribe("trade", ["eth_krw"], 3));
  await client.until(() => client.texts.length === 4);
  const failure = `{"status":"fail","code":"INVALID_SYMBOL","message":"The symbol does not exist (${bad})"`;
  expect(client.texts.slice(0, 2)).toEqual([`${failure},"requestId":2}`, `${failure}}`]);
  for (const market of ["KRW-BTC", "KRW-ETH"]) sim.engine.execute(market);
  await client.until(() => client.texts.length === 5);
  expect(client.with("btc_krw")).toEqual([]);
});

test.each(["not json", `{"method":"subscribe","type":"trade","symbols":["btc_krw"]}`])(
  "%s is an invalid format, and the socket stays",
  async (text) => {
    const client = await TestClient.open(sim.wsUrl);
    client.send(text);
    client.send(subscribe("trade", ["btc_krw"], 1));
    await client.until(() => client.texts.length === 3);
    expect(client.texts[0]).toBe(`{"status":"fail","message":"invalid_format"}`);
  },
);

test("trades executed together share a frame with batchMs, without those skipped", async () => {
  const batching = await start({ batchMs: 20 });
  const client = await subscribed(["ticker", "trade"], ["btc_krw", "eth_krw"], batching);
  for (const market of ["KRW-BTC", "KRW-BTC", "KRW-ETH", "KRW-BTC"]) batching.engine.execute(market);
  batching.faults.inject({ fault: "skip", count: 1 });
  batching.engine.execute("KRW-BTC");
  await client.until(() => client.with(`"trade"`).length === 2);
  expect(client.with(`"ticker"`)).toHaveLength(5);
  const executed = batching.executed(0).trades.slice(-5);
  expect(executed.map(({ sentTo }) => sentTo)).toEqual([1, 1, 1, 1, 0]);
  const numbers = client.with(`"trade"`).map((text) => [...text.matchAll(/"tradeId":(\d+)/g)].map(([, id]) => id));
  const ids = executed.map(({ id }) => id);
  expect(numbers).toEqual([[ids[0], ids[1], ids[3]], [ids[2]]]);
});

test("a taken-off market falls silent after what it had waiting, and can come back", async () => {
  const batching = await start({ batchMs: 60_000 });
  const client = await subscribed(["trade"], ["eth_krw"], batching);
  batching.engine.execute("KRW-ETH");
  batching.delist("KRW-ETH");
  await client.until(() => client.texts.length === 1);
  client.send([
    ...subscribe("trade", ["eth_krw"], 1),
    { ...subscribe("trade", ["eth_krw"], 2)[0], method: "unsubscribe" },
  ]);
  await client.until(() => client.texts.length === 3);
  expect(client.texts.slice(1).map((text) => JSON.parse(text))).toMatchObject([
    { code: "INVALID_SYMBOL", requestId: 1 },
    { status: "success", requestId: 2 },
  ]);
  batching.engine.list({ code: "KRW-ETH", koreanName: "이더리움", englishName: "Ethereum", price: 10n ** 14n });
  client.send(subscribe("trade", ["eth_krw"], 3));
  await client.until(() => client.texts.length === 5);
});

test("numbers of trades rise and are never given twice, not even after a restart", async () => {
  const numbers: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const one = run === 0 ? sim : await start({});
    for (let made = 0; made < 50; made += 1) one.engine.execute("KRW-BTC");
    numbers.push(...one.executed().trades.flatMap(({ market, id }) => (market === "KRW-BTC" ? [Number(id)] : [])));
  }
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(numbers.every(Number.isSafeInteger)).toBe(true);
});

test("the server pings, and cuts who does not answer", async () => {
  const pinging = await start({ pingMs: 30 });
  const mute = new WebSocket(pinging.wsUrl, { autoPong: false });
  const client = await TestClient.open(pinging.wsUrl);
  const pings: string[] = [];
  client.socket.on("ping", (data) => pings.push(data.toString()));
  const [code] = await once(mute, "close");
  expect(code).toBe(1006);
  expect(pings).toContain("ping");
  expect(client.closeCode).toBeUndefined();
});

test("limits on messages and connects, when set", async () => {
  const second = { count: 1, withinMs: 60_000 };
  const strict = await start({ messages: [second], connects: [second] });
  const client = await TestClient.open(strict.wsUrl);
  client.send(subscribe("trade", ["btc_krw"]));
  client.send(subscribe("trade", ["btc_krw"]));
  await client.until(() => client.closeCode !== undefined);
  expect(client.closeCode).toBe(1008);
  await expect(TestClient.open(strict.wsUrl)).rejects.toThrow("429");
});

test("repeats, corrupted frames, errors; nothing announces a leave", async () => {
  const client = await subscribed(["trade"], ["btc_krw"]);
  sim.engine.execute("KRW-BTC");
  sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 2);
  expect(sim.faults.inject({ fault: "repeat", count: 2 })).toBe(2);
  await client.until(() => client.texts.length === 4);
  expect(client.texts.slice(2)).toEqual(client.texts.slice(0, 2));
  for (const how of ["malformed", "wrong_type", "missing_field"] as const) sim.faults.inject({ fault: "bad", how });
  await client.until(() => client.texts.length === 7);
  const [malformed = "", wrongType, missingField] = client.texts.slice(4);
  expect(() => JSON.parse(malformed)).toThrow(SyntaxError);
  expect(wrongType).toContain(`"price":true,"qty":"`);
  expect(missingField).toMatch(/"data":\[\{"timestamp":\d+,"qty":"/);
  expect(sim.faults.inject({ fault: "leave" })).toBe(0);
  sim.faults.inject({ fault: "error", name: "INTERNAL", message: "gone wrong" });
  await client.until(() => client.closeCode !== undefined);
  expect(client.texts.at(-1)).toBe(`{"status":"error","message":"INTERNAL: gone wrong"}`);
  expect(client.closeCode).toBe(1000);
});

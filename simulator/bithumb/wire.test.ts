import { afterEach, beforeEach, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { fieldOf, keysOf, sentTo, TestClient } from "../test-client.ts";
import { haveRecordings, recordedFrames } from "../test-recordings.ts";
import { bithumb } from "./dialect.ts";

let sim: Simulator;
beforeEach(async () => {
  const settings = { connects: [], errorCloseMs: 30 };
  sim = await startSimulator({ dialect: bithumb, paused: true, settings });
});
afterEach(() => sim.stop());

const subscribed = (types: string[], codes: string[], format?: string) =>
  TestClient.subscribed(sim.wsUrl, types, codes, format);

const captures = "bithumb/quoted_captures__ws_v1_gen2__trade_status_error__2026.jsonl";
const examples = "examples/bithumb.jsonl";

test.skipIf(!haveRecordings)("frames have the recorded keys in order (skipped without the recordings)", async () => {
  const [trade = ""] = recordedFrames(captures);
  const [long = "", short = ""] = recordedFrames(examples);
  const client = await subscribed(["trade", "ticker"], ["KRW-BTC"]);
  expect(client.texts.map(keysOf)).toEqual([keysOf(trade), keysOf(long)]);
  const simple = await subscribed(["ticker"], ["KRW-BTC"], "SIMPLE");
  expect(simple.texts.map(keysOf)).toEqual([keysOf(short)]);
});

test.skipIf(!haveRecordings)("errors read as recorded (skipped without the recordings)", async () => {
  const errors = recordedFrames(captures).slice(2);
  const requests = [
    `[{"type":"trade","codes":["KRW-BTC"]}]`,
    `[{"ticket":"x"},{"type":"nope","codes":["KRW-BTC"]}]`,
    "{",
  ];
  for (const [at, request] of requests.entries()) {
    const client = await TestClient.open(sim.wsUrl);
    client.send(request);
    await client.until(() => client.closeCode === 1000);
    expect(client.texts).toEqual([errors[at]]);
  }
});

test("snapshots of both types first, then each trade as ticker and trade, all binary", async () => {
  const client = await subscribed(["ticker", "trade"], ["KRW-BTC", "BTC-ETH"]);
  expect(client.with(`"SNAPSHOT"`)).toHaveLength(4);
  const trade = sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 6);
  const [ticker = "", frame = ""] = client.with(`"REALTIME"`);
  expect(fieldOf(frame, "sequential_id")).toMatch(/^\d{18}$/);
  expect(fieldOf(frame, "trade_timestamp")).toBe(`${trade?.timestamp}`);
  expect(fieldOf(ticker, "trade_price")).toBe(fieldOf(frame, "trade_price"));
  expect(fieldOf(ticker, "delisting_date")).toBe(`""`);
  expect(client.allBinary).toBe(true);
  expect(sim.executed().trades.at(-1)).toMatchObject({
    sentTo: 1,
    id: fieldOf(frame, "sequential_id"),
    price: fieldOf(frame, "trade_price"),
    volume: fieldOf(frame, "trade_volume"),
  });
});

test("date and time are Korea's, spelled in two ways", async () => {
  const client = await subscribed(["ticker", "trade"], ["KRW-BTC"]);
  const [ticker = "", trade = ""] = client.texts;
  const local = new Date(Number(fieldOf(trade, "trade_timestamp")) + 9 * 3_600_000).toISOString();
  expect(fieldOf(trade, "trade_date")).toBe(`"${local.slice(0, 10)}"`);
  expect(fieldOf(trade, "trade_time")).toBe(`"${local.slice(11, 19)}"`);
  expect(fieldOf(ticker, "trade_date")).toBe(`"${local.slice(0, 10).replaceAll("-", "")}"`);
  expect(fieldOf(ticker, "trade_time")).toBe(`"${local.slice(11, 19).replaceAll(":", "")}"`);
});

test("only the camelCase options work, and an unknown format is DEFAULT", async () => {
  const client = await TestClient.open(sim.wsUrl);
  client.send([
    { ticket: "x" },
    { type: "ticker", codes: ["KRW-BTC"], isOnlySnapshot: true, is_only_realtime: true },
    { type: "trade", codes: ["KRW-BTC"], isOnlyRealtime: true, is_only_snapshot: true },
    { format: "JSON_LIST" },
  ]);
  await client.until(() => client.texts.length === 1);
  sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 2);
  expect(client.texts[0]).toMatch(/^\{"type":"ticker",.*"stream_type":"SNAPSHOT"\}$/);
  expect(client.texts[1]).toMatch(/^\{"type":"trade",.*"stream_type":"REALTIME"\}$/);
});

test("a later subscribe replaces the whole earlier one; unknown and lower-case codes and ALL are ignored", async () => {
  const client = await subscribed(["ticker", "trade"], ["KRW-BTC"]);
  client.subscribe(["trade"], ["krw-btc", "KRW-NOPE", "ALL", "KRW-ETH"]);
  await client.until(() => client.with("KRW-ETH").length === 1);
  sim.engine.execute("KRW-BTC");
  sim.engine.execute("KRW-ETH");
  await client.until(() => client.with("REALTIME").length === 1);
  expect(client.with("REALTIME")[0]).toContain("KRW-ETH");
});

test.each([
  ["not json", "WRONG_FORMAT", "Format 이 맞지 않습니다."],
  [`{"ticket":"x"}`, "WRONG_FORMAT", "Format 이 맞지 않습니다."],
  [`[{"type":"trade","codes":["KRW-BTC"]}]`, "NO_TICKET", "티켓이 존재하지 않거나, 유효하지 않습니다."],
  [`[{"ticket":"x"}]`, "INVALID_PARAM", "type 필드가 비어 있습니다."],
  [`[{"ticket":"x"},{"type":"trade"}]`, "INVALID_PARAM", "codes 필드가 비어 있습니다."],
  [`[{"ticket":"x"},{"type":"trade","codes":[]}]`, "INVALID_PARAM", "codes 필드가 비어 있습니다."],
  [
    `[{"ticket":"x"},{"type":"candle.1m","codes":["KRW-BTC"]}]`,
    "INVALID_PARAM",
    "candle.1m 은 지원하지 않는 타입입니다.",
  ],
])("%s gets %s, then a close with 1000", async (message, name, korean) => {
  const client = await TestClient.open(sim.wsUrl);
  client.send(message);
  await client.until(() => client.closeCode !== undefined);
  expect(client.texts).toEqual([JSON.stringify({ error: { name, message: korean } })]);
  expect(client.closeCode).toBe(1000);
  expect(client.allBinary).toBe(true);
});

test("connects over the limit get 429, and then the IP is blocked", async () => {
  const settings = { connects: [{ count: 1, withinMs: 60_000 }] };
  const strict = await startSimulator({ dialect: bithumb, paused: true, settings });
  await TestClient.open(strict.wsUrl);
  await expect(TestClient.open(strict.wsUrl)).rejects.toThrow("429");
  await expect(TestClient.open(strict.wsUrl)).rejects.toThrow("403");
  await strict.stop();
});

test("faults: a repeat, bad frames, a skip, a delisting", async () => {
  const client = await subscribed(["trade", "ticker"], ["KRW-BTC"]);
  client.texts.length = 0;
  sim.faults.inject({ fault: "skip", count: 1 });
  sim.engine.execute("KRW-BTC");
  sim.engine.execute("KRW-BTC");
  expect(sim.faults.inject({ fault: "repeat", count: 5 })).toBe(1);
  await client.until(() => client.texts.length === 4);
  const trades = client.with(`"trade"`);
  expect(trades[1]).toBe(trades[0]);
  expect(sentTo(sim, 2)).toEqual([0, 1]);
  client.texts.length = 0;
  for (const how of ["malformed", "wrong_type", "missing_field"] as const) sim.faults.inject({ fault: "bad", how });
  await client.until(() => client.texts.length === 3);
  expect(() => JSON.parse(client.texts[0] ?? "")).toThrow(SyntaxError);
  expect(JSON.parse(client.texts[1] ?? "")).toMatchObject({ trade_price: "not a number" });
  expect(JSON.parse(client.texts[2] ?? "")).not.toHaveProperty("trade_price");
  sim.delist("KRW-BTC");
  await client.until(() => client.with("DELISTED").length === 1);
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { fieldOf, keysOf, TestClient } from "../test-client.ts";
import { haveRecordings, recordedFrames } from "../test-recordings.ts";

let sim: Simulator;
beforeEach(async () => {
  sim = await startSimulator({ paused: true, settings: { connects: [], errorCloseMs: 30 } });
});
afterEach(() => sim.stop());

const subscribed = (types: string[], codes: string[], format?: string) =>
  TestClient.subscribed(sim.wsUrl, types, codes, format);

const examples = "examples/upbit.jsonl";
const simpleFrames = "upbit/cryptofeed__ws_simple__trade_orderbook__20210417.jsonl";

describe.skipIf(!haveRecordings)("recorded frames (skipped when the recordings are absent)", () => {
  test("a DEFAULT ticker has the recorded keys in the recorded order, and their kinds of value", async () => {
    const [real = ""] = recordedFrames(examples).filter((frame) => frame.includes(`"ticker"`));
    const client = await subscribed(["ticker"], ["KRW-BTC"]);
    const [frame = ""] = client.texts;
    expect(keysOf(frame)).toEqual(keysOf(real));
    expect(kinds(frame)).toEqual(kinds(real));
  });

  test("a SIMPLE trade has the recorded keys in the recorded order, and the best prices added since", async () => {
    const [real = ""] = recordedFrames(simpleFrames).filter((frame) => frame.includes(`"ty":"trade"`));
    const client = await subscribed(["trade"], ["KRW-BTC"], "SIMPLE");
    const [frame = ""] = client.texts;
    const added = ["bap", "bas", "bbp", "bbs"];
    expect(keysOf(frame).filter((key) => !added.includes(key))).toEqual(keysOf(real));
    expect(kinds(frame)).toMatchObject(kinds(real));
  });
});

function kinds(frame: string): Record<string, string> {
  const entries = Object.entries(JSON.parse(frame) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, value]) => [key, value === null ? "null" : typeof value]));
}

test("snapshots of both types first, then each trade as ticker and trade, all binary", async () => {
  const client = await subscribed(["ticker", "trade"], ["KRW-BTC", "KRW-ETH"]);
  expect(client.with(`"SNAPSHOT"`)).toHaveLength(4);
  const trade = sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 6);
  const [ticker = "", frame = ""] = client.with(`"REALTIME"`);
  expect(fieldOf(frame, "sequential_id")).toBe(`${trade?.id}`);
  expect(fieldOf(frame, "trade_price")).toMatch(/^\d+\.00000000$/);
  expect(fieldOf(ticker, "trade_price")).toBe(fieldOf(frame, "trade_price"));
  expect(client.allBinary).toBe(true);
  const executed = sim.executed().trades.at(-1);
  expect(executed).toMatchObject({
    sentTo: 1,
    price: fieldOf(frame, "trade_price"),
    volume: fieldOf(frame, "trade_volume"),
  });
});

test("only-snapshot, only-realtime and the four formats", async () => {
  const client = await TestClient.open(sim.wsUrl);
  client.send([
    { ticket: "x" },
    { type: "ticker", codes: ["KRW-BTC"], is_only_snapshot: true },
    { type: "trade", codes: ["KRW-BTC"], is_only_realtime: true },
    { format: "SIMPLE_LIST" },
  ]);
  await client.until(() => client.texts.length === 1);
  sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 2);
  expect(client.texts[0]).toMatch(/^\[\{"ty":"ticker",.*"st":"SNAPSHOT"\}\]$/);
  expect(client.texts[1]).toMatch(/^\[\{"ty":"trade",.*"st":"REALTIME"\}\]$/);
  const list = await subscribed(["trade"], ["KRW-BTC"], "JSON_LIST");
  expect(list.texts[0]).toMatch(/^\[\{"type":"trade",.*\}\]$/);
});

test("a later subscribe replaces the whole earlier one, and LIST_SUBSCRIPTIONS tells", async () => {
  const client = await subscribed(["ticker", "trade"], ["KRW-BTC"]);
  client.subscribe(["trade"], ["KRW-ETH"]);
  client.send([{ ticket: "list" }, { method: "LIST_SUBSCRIPTIONS" }]);
  await client.until(() => client.with("LIST_SUBSCRIPTIONS").length === 1);
  expect(client.texts.at(-1)).toBe(
    `{"method":"LIST_SUBSCRIPTIONS","result":[{"type":"trade","codes":["KRW-ETH"]}],"ticket":"list"}`,
  );
  sim.engine.execute("KRW-BTC");
  sim.engine.execute("KRW-ETH");
  await client.until(() => client.with("REALTIME").length === 1);
  expect(client.with("REALTIME")[0]).toContain("KRW-ETH");
});

test("unknown and lower-case codes and ALL are ignored without an error", async () => {
  const client = await TestClient.open(sim.wsUrl);
  client.subscribe(["trade"], ["krw-btc", "KRW-NOPE", "ALL", "KRW-BTC"]);
  sim.engine.execute("KRW-ETH");
  await client.until(() => client.texts.length === 1);
  expect(client.texts[0]).toContain(`"code":"KRW-BTC"`);
});

test.each([
  ["not json", "WRONG_FORMAT"],
  [`{"ticket":"x"}`, "WRONG_FORMAT"],
  [`[{"type":"trade","codes":["KRW-BTC"]}]`, "NO_TICKET"],
  [`[{"ticket":"x"}]`, "NO_TYPE"],
  [`[{"ticket":"x"},{"type":"trade"}]`, "NO_CODES"],
  [`[{"ticket":"x"},{"type":"trade","codes":[]}]`, "INVALID_PARAM"],
  [`[{"ticket":"x"},{"type":"nope","codes":["KRW-BTC"]}]`, "INVALID_PARAM"],
  [`[{"ticket":"x"},{"type":"trade","codes":["KRW-BTC"]},{"format":"XML"}]`, "INVALID_PARAM"],
])("%s gets %s, then a close with 1000", async (message, name) => {
  const client = await TestClient.open(sim.wsUrl);
  client.send(message);
  await client.until(() => client.closeCode !== undefined);
  expect(JSON.parse(client.texts[0] ?? "")).toMatchObject({ error: { name } });
  expect(client.closeCode).toBe(1000);
  expect(client.allBinary).toBe(true);
});

test("limits: 6 messages in a second close, connects over the limit get 429", async () => {
  const client = await TestClient.open(sim.wsUrl);
  for (let sent = 0; sent < 6; sent += 1) client.subscribe(["trade"], ["KRW-BTC"]);
  await client.until(() => client.closeCode !== undefined);
  expect(client.closeCode).toBe(1008);
  const strict = await startSimulator({ paused: true, settings: { connects: [{ count: 1, withinMs: 60_000 }] } });
  await TestClient.open(strict.wsUrl);
  await expect(TestClient.open(strict.wsUrl)).rejects.toThrow("429");
  await strict.stop();
});

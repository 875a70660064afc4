import { afterEach, beforeEach, expect, test } from "vitest";
import type { Simulator, SimulatorState } from "./simulator.ts";
import { startSimulator } from "./start-simulator.ts";
import { fieldOf, sentTo, TestClient } from "./test-client.ts";

let sim: Simulator;
let client: TestClient;
beforeEach(async () => {
  sim = await startSimulator({ paused: true, settings: { connects: [], errorCloseMs: 20 } });
  client = await TestClient.open(sim.wsUrl);
  client.send([{ ticket: "x" }, { type: "trade", codes: ["KRW-BTC", "KRW-NEW"], is_only_realtime: true }]);
  await settled();
});
afterEach(() => sim.stop());

/** Resolves when the simulator has handled everything this client sent so far. */
async function settled(): Promise<void> {
  client.send([{ ticket: "x" }, { method: "LIST_SUBSCRIPTIONS" }]);
  await client.until(() => client.texts.length > 0);
  client.texts.length = 0;
}

async function post(
  path: string,
  body: unknown = {},
): Promise<{ status: number; body: SimulatorState & { error?: string } }> {
  const response = await fetch(sim.controlUrl + path, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as SimulatorState & { error?: string } };
}

const ids = () => client.texts.map((text) => fieldOf(text, "sequential_id"));
const trade = () => `${sim.engine.execute("KRW-BTC")?.id}`;

test("drop cuts the sockets; trades after it count as unsent", async () => {
  expect(sim.faults.inject({ fault: "drop" })).toBe(1);
  await client.until(() => client.closeCode === 1006);
  await expect.poll(() => sim.state().sockets).toBe(0);
  sim.engine.execute("KRW-BTC");
  expect(sim.executed().trades.at(-1)?.sentTo).toBe(0);
  expect(sim.state().faults).toMatchObject({ droppedSockets: 1, requests: { drop: 1 } });
});

test("silent swallows frames until speak", async () => {
  sim.faults.inject({ fault: "silent" });
  trade();
  sim.faults.inject({ fault: "speak" });
  const heard = trade();
  await client.until(() => client.texts.length === 1);
  expect(ids()).toEqual([heard]);
  expect(sim.state().frames).toMatchObject({ suppressed: 1, lost: 0 });
  expect(sentTo(sim, 2)).toEqual([0, 1]);
  sim.faults.inject({ fault: "silent", ms: 10 });
  await expect.poll(() => sim.state().silent).toBe(false);
});

test("a delay holds frames, then sends them in order", async () => {
  sim.faults.inject({ fault: "delay", ms: 40 });
  const made = [trade(), trade(), trade()];
  expect(sim.executed().trades.at(-1)?.sentTo).toBe(0);
  await client.until(() => client.texts.length === 3);
  expect(ids()).toEqual(made);
  expect(sim.executed().trades.at(-1)?.sentTo).toBe(1);
  expect(sim.state().frames).toMatchObject({ held: 3, lost: 0 });
});

test("repeat sends the last trade frames again, unchanged", async () => {
  const made = [trade(), trade(), trade()];
  expect(sim.faults.inject({ fault: "repeat", count: 2 })).toBe(2);
  await client.until(() => client.texts.length === 5);
  expect(ids()).toEqual([...made, ...made.slice(1)]);
  expect(client.texts.slice(3)).toEqual(client.texts.slice(1, 3));
  expect(sim.executed().trades.at(-1)?.sentTo).toBe(1);
});

test("bad frames: malformed, a wrong type, a missing field", async () => {
  for (const how of ["malformed", "wrong_type", "missing_field"] as const) sim.faults.inject({ fault: "bad", how });
  await client.until(() => client.texts.length === 3);
  const [malformed = "", wrong = "", missing = ""] = client.texts;
  expect(() => JSON.parse(malformed)).toThrow(SyntaxError);
  expect(JSON.parse(wrong)).toMatchObject({ trade_price: "not a number" });
  expect(JSON.parse(missing)).not.toHaveProperty("trade_price");
  expect(sim.state().faults.badFrames).toBe(3);
});

test("an error frame is followed by a close with 1000", async () => {
  sim.faults.inject({ fault: "error", name: "INVALID_PARAM" });
  await client.until(() => client.closeCode === 1000);
  expect(client.texts).toEqual([`{"error":{"name":"INVALID_PARAM","message":"simulated"}}`]);
});

test("refused connections are counted, and taken again afterwards", async () => {
  sim.faults.inject({ fault: "refuse", on: true });
  await expect(TestClient.open(sim.wsUrl)).rejects.toThrow("503");
  expect(sim.state().faults.refusedConnections).toBe(1);
  sim.faults.inject({ fault: "refuse", on: false });
  expect((await TestClient.open(sim.wsUrl)).closeCode).toBeUndefined();
});

test("skip leaves out the live frames of so many trades, which then count as unsent", async () => {
  sim.faults.inject({ fault: "skip", count: 2 });
  const [, , heard] = [trade(), trade(), trade()];
  await client.until(() => client.texts.length === 1);
  expect(ids()).toEqual([heard]);
  const sentTo = sim.executed().trades.map((one) => one.sentTo);
  expect(sentTo.slice(-3)).toEqual([0, 0, 1]);
  expect(sim.state().frames.skipped).toBe(2);
});

test("forget hides from REST what was executed until now", async () => {
  const rest = async () => (await fetch(`${sim.restUrl}/v1/trades/ticks?market=KRW-BTC&count=5`)).text();
  trade();
  expect(sim.faults.inject({ fault: "forget" })).toBe(sim.state().head);
  expect(await rest()).toBe("[]");
  const known = trade();
  expect(await rest()).toContain(known);
  expect(sim.executed().trades.length).toBe(sim.state().head);
  expect(sim.state().faults.forgottenTrades).toBe(sim.state().head - 1);
});

test("rest answers every request with one status for a while", async () => {
  sim.faults.inject({ fault: "rest", status: 503, ms: 60_000 });
  expect((await fetch(`${sim.restUrl}/v1/market/all`)).status).toBe(503);
  expect(sim.state().faults).toMatchObject({ failedRequests: 1, requests: { rest: 1 } });
  sim.faults.inject({ fault: "rest", status: 429, ms: 0 });
  expect((await fetch(`${sim.restUrl}/v1/market/all`)).status).toBe(200);
});

test("maintenance answers every REST request with a page and status 200", async () => {
  sim.faults.inject({ fault: "maintenance", ms: 60_000 });
  const response = await fetch(`${sim.restUrl}/v1/market/all`);
  expect([response.status, (await response.text()).slice(0, 15)]).toEqual([200, "<!DOCTYPE html>"]);
  expect(sim.state().faults).toMatchObject({ failedRequests: 1, bannedRequests: 0 });
});

test("a ban is one for REST and handshakes, says how long it lasts, and counts who asks all the same", async () => {
  sim.faults.inject({ fault: "ban", status: 418, retryAfter: "60", ms: 60_000 });
  const response = await fetch(`${sim.restUrl}/v1/market/all`);
  expect([response.status, response.headers.get("Retry-After")]).toEqual([418, "60"]);
  await expect(TestClient.open(sim.wsUrl)).rejects.toThrow("418");
  expect(sim.state().faults).toMatchObject({ bannedRequests: 1, bannedConnections: 1, failedRequests: 0 });
  sim.faults.inject({ fault: "ban", status: 418, retryAfter: "60", ms: 0 });
  expect((await fetch(`${sim.restUrl}/v1/market/all`)).status).toBe(200);
});

test("leave: Upbit announces no shutdown", () => {
  expect(sim.faults.inject({ fault: "leave" })).toBe(0);
  expect(sim.state()).toMatchObject({ sockets: 1, faults: { leavingSockets: 0, requests: { leave: 1 } } });
});

test("over HTTP: pace, faults, markets, and what was executed", async () => {
  expect((await post("/rate", { rate: 300 })).body).toMatchObject({ rate: 300, paused: true });
  expect((await post("/resume")).body.paused).toBe(false);
  expect((await post("/pause")).body.paused).toBe(true);
  client.texts.length = 0;
  await post("/market", { action: "list", market: "KRW-NEW", price: "12.5" });
  await post("/execute", { market: "KRW-NEW", count: 2 });
  await client.until(() => client.with("KRW-NEW").length === 3);
  const markets = async () => (await fetch(`${sim.restUrl}/v1/market/all`)).text();
  expect(await markets()).toContain("KRW-NEW");
  await post("/market", { action: "delist", market: "KRW-NEW" });
  expect(await markets()).not.toContain("KRW-NEW");
  const { head } = sim.state();
  const page: unknown = await (await fetch(`${sim.controlUrl}/executed?after=${head - 2}&limit=1`)).json();
  expect(page).toMatchObject({ head, next: head - 1, trades: [{ seq: head - 1, market: "KRW-NEW", sentTo: 1 }] });
  expect((await post("/fault", { fault: "drop" })).body.faults.droppedSockets).toBe(1);
});

test("over HTTP: what cannot be is answered with 400 and what is wrong", async () => {
  expect(await post("/rate", { rate: 9_000 })).toMatchObject({ status: 400, body: { error: /not within/ } });
  expect((await post("/fault", { fault: "quake" })).status).toBe(400);
  expect((await post("/market", { action: "close", market: "KRW-NOPE" })).body.error).toBe("KRW-NOPE is not listed");
  expect((await post("/nothing")).status).toBe(404);
});

test("a listener receives every frame that was sent to it, at 5,000 a second", async () => {
  client.send([
    { ticket: "x" },
    ...["ticker", "trade"].map((type) => ({
      type,
      codes: sim.engine.markets.map(({ code }) => code),
      is_only_realtime: true,
    })),
  ]);
  await settled();
  sim.pace.setRate(2_500);
  const before = sim.state().head;
  const started = performance.now();
  sim.pace.resume();
  await client.until(() => client.texts.length >= 5_000);
  const took = performance.now() - started;
  const traded = sim.state().head - before;
  sim.pace.pause();
  const sent = () => sim.executed(0, 100_000).trades.filter(({ sentTo }) => sentTo === 1);
  await client.until(() => client.with(`"type":"trade"`).length === sent().length);
  // Ids are unique in each market, not over all of them.
  const received = client
    .with(`"type":"trade"`)
    .map((text) => `"${fieldOf(text, "sequential_id")}"${fieldOf(text, "code")}`);
  expect(received).toEqual(sent().map(({ id, market }) => `"${id}""${market}"`));
  expect(took).toBeGreaterThan(900);
  // Two frames for each trade: the listener is no further behind than half a second's trades, however fast the machine is.
  expect(traded).toBeLessThan(2_500 * 1.5);
}, 60_000);

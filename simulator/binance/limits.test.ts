import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { TestClient } from "../test-client.ts";
import { binance } from "./dialect.ts";
import type { BinanceSettings } from "./settings.ts";

let sim: Simulator;
afterEach(() => sim.stop());

async function start(settings: Partial<BinanceSettings>): Promise<void> {
  sim = await startSimulator({ dialect: binance, paused: true, settings });
}

test("one stream too many: an error frame, then a close", async () => {
  await start({ maxStreams: 2 });
  const client = await TestClient.open(`${sim.wsUrl}?streams=a@trade/b@trade`);
  client.send({ method: "SUBSCRIBE", params: ["b@trade", "c@trade"], id: 4 });
  await client.until(() => client.closeCode !== undefined);
  expect(JSON.parse(client.texts[0] ?? "")).toMatchObject({ error: { code: 2 }, id: 4 });
  expect(client.closeCode).toBe(1008);
  const other = await TestClient.open(`${sim.wsUrl}?streams=a@trade/b@trade/c@trade`);
  await other.until(() => other.closeCode !== undefined);
  expect(other.texts[0]).toContain("at most 2 streams");
});

test("requests, pings and pongs count together", async () => {
  await start({ messages: [{ count: 5, withinMs: 60_000 }] });
  const client = await TestClient.open(sim.wsUrl);
  client.send({ method: "LIST_SUBSCRIPTIONS", id: 1 });
  for (const sent of [1, 2]) {
    client.socket.ping(`${sent}`);
    client.socket.pong(`${sent}`);
  }
  client.send({ method: "LIST_SUBSCRIPTIONS", id: 2 });
  await client.until(() => client.closeCode !== undefined);
  expect(client.closeCode).toBe(1008);
  expect(client.texts).toEqual([`{"result":[],"id":1}`]);
});

test("who connects too often gets 429", async () => {
  await start({ connects: [{ count: 1, withinMs: 60_000 }] });
  await TestClient.open(sim.wsUrl);
  await expect(TestClient.open(sim.wsUrl)).rejects.toThrow("429");
});

test("who does not answer pings is closed, though it sends pongs of its own; who answers stays", async () => {
  await start({ messages: [], pingMs: 10, pongMs: 300 });
  const deaf = new WebSocket(sim.wsUrl, { autoPong: false });
  await once(deaf, "open");
  deaf.on("ping", () => deaf.pong("unasked"));
  const client = await TestClient.open(sim.wsUrl);
  const [code, reason] = await once(deaf, "close");
  expect([code, String(reason)]).toEqual([1008, "Pong timeout"]);
  await once(client.socket, "ping");
  expect(client.closeCode).toBeUndefined();
});

test("a connection ends when its life is over", async () => {
  await start({ lifeMs: 30 });
  const client = await TestClient.open(sim.wsUrl);
  await client.until(() => client.closeCode !== undefined);
  expect(client.closeCode).toBe(1000);
});

test("a server shutdown is announced to all, then the remaining connections are closed", async () => {
  await start({ leaveMs: 30 });
  const [combined, raw] = [await TestClient.open(sim.wsUrl), await TestClient.open(sim.wsUrl)];
  raw.send({ method: "SET_PROPERTY", params: ["combined", false], id: 1 });
  await raw.until(() => raw.texts.length === 1);
  expect(sim.faults.inject({ fault: "leave" })).toBe(2);
  const fresh = await TestClient.open(sim.wsUrl);
  await combined.until(() => combined.closeCode !== undefined);
  await raw.until(() => raw.closeCode !== undefined);
  expect(combined.texts[0]).toMatch(/^\{"stream":"!serverShutdown","data":\{"e":"serverShutdown","E":\d{13}\}\}$/);
  expect(raw.texts[1]).toMatch(/^\{"e":"serverShutdown","E":\d{13}\}$/);
  expect(fresh.closeCode).toBeUndefined();
});

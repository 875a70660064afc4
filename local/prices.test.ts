import { expect, onTestFinished, test } from "vitest";
import { startSimulator } from "../simulator/start-simulator.ts";
import { freePort } from "./ports.ts";
import { choosePrices } from "./prices.ts";
import { readSettings } from "./settings.ts";

/** The settings with the exchange's own address replaced, as if that were the real one. */
function reachedAt(wsUrl: string, restUrl: string) {
  const settings = readSettings({ EXCHANGES: "upbit" });
  return { ...settings, exchanges: settings.exchanges.map((one) => ({ ...one, wsUrl, restUrl })) };
}

test("auto is live where the exchange answers, over REST and WebSocket", async () => {
  const server = await startSimulator();
  onTestFinished(() => server.stop());
  expect(await choosePrices(reachedAt(server.wsUrl, server.restUrl))).toMatchObject({
    source: "live",
    simulator: false,
  });
  const nobody = `127.0.0.1:${await freePort()}`;
  const simulated = { source: "simulated", simulator: {}, simulators: {}, reason: "upbit can't be reached from here" };
  expect(await choosePrices(reachedAt(`ws://${nobody}/`, server.restUrl))).toEqual(simulated);
  expect(await choosePrices(reachedAt(server.wsUrl, `http://${nobody}`))).toEqual(simulated);
});

test("a given address counts as live without being asked", async () => {
  const env = { EXCHANGES: "upbit", UPBIT_WS_URL: "ws://127.0.0.1:1/", UPBIT_REST_URL: "http://127.0.0.1:1" };
  expect(await choosePrices(readSettings(env))).toMatchObject({ source: "live", simulator: false });
  // What answers there is used, and called simulated.
  expect(await choosePrices(readSettings({ ...env, SOURCE: "sim" }))).toMatchObject({
    source: "simulated",
    simulator: false,
    simulators: { upbit: false },
  });
});

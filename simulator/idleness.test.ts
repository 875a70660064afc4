import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bithumb } from "./bithumb/dialect.ts";
import type { Dialect } from "./dialect.ts";
import type { Simulator } from "./simulator.ts";
import { startSimulator } from "./start-simulator.ts";
import { TestClient } from "./test-client.ts";
import { upbit } from "./upbit/dialect.ts";

const dialects: readonly Dialect<{ idleMs: number; statusMs: number }>[] = [upbit, bithumb];

describe.each(dialects)("$name", (dialect) => {
  let sim: Simulator;
  beforeEach(async () => {
    sim = await startSimulator({ dialect, paused: true, settings: { idleMs: 200, statusMs: 20 } });
  });
  afterEach(() => sim.stop());

  test("PING is answered with status UP, again and again", async () => {
    const client = await TestClient.open(sim.wsUrl);
    client.send("PING");
    await client.until(() => client.texts.length === 3);
    expect(client.texts).toEqual(Array(3).fill(`{"status":"UP"}`));
  });

  test("an idle connection is cut without a close frame; a protocol ping keeps it", async () => {
    const [idle, pinging] = [await TestClient.open(sim.wsUrl), await TestClient.open(sim.wsUrl)];
    const pings = setInterval(() => pinging.socket.ping(), 50);
    await idle.until(() => idle.closeCode !== undefined);
    clearInterval(pings);
    expect(idle.closeCode).toBe(1006);
    expect(pinging.closeCode).toBeUndefined();
  });
});

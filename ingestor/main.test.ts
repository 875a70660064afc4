/** The program as it is started: whatever can't be reached, it ends in good order when it is told to. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { startSimulator } from "../local/simulator/simulator.ts";

const NOWHERE = "127.0.0.1:9";
const ENV = {
  EDGE_URL: `http://${NOWHERE}`,
  INGEST_TOKEN: "secret",
  UPBIT_WS_URL: `ws://${NOWHERE}`,
  UPBIT_REST_URL: `http://${NOWHERE}`,
  LOG_LEVEL: "debug",
};

describe("the ingestor", () => {
  let child: ChildProcess;
  afterEach(() => child.kill("SIGKILL"));

  function start(env: NodeJS.ProcessEnv): { line: (text: string) => Promise<void>; exit: Promise<unknown[]> } {
    const args = ["--disable-warning=ExperimentalWarning", `${import.meta.dirname}/main.ts`];
    child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    const lines = createInterface({ input: child.stderr ?? process.stdin });
    const line = (text: string) =>
      new Promise<void>((resolve) => lines.on("line", (one) => one.includes(text) && resolve()));
    return { line, exit: once(child, "exit") };
  }

  /** How long stopping took, ms. */
  async function stopped(exit: Promise<unknown[]>): Promise<number> {
    const begun = Date.now();
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    return Date.now() - begun;
  }

  it("stops while neither the exchange nor the edge can be reached", async () => {
    const { line, exit } = start(ENV);
    await line("market list failed");
    expect(await stopped(exit)).toBeLessThan(4500);
  });

  it("stops while the log can't be reached", async () => {
    const { line, exit } = start({ ...ENV, KAFKA_BROKERS: NOWHERE });
    await line("kafka client");
    expect(await stopped(exit)).toBeLessThan(4500);
  });

  it("stops while it collects and only the edge can't be reached", async () => {
    const simulator = await startSimulator({ rate: 500 });
    const { line, exit } = start({ ...ENV, UPBIT_WS_URL: simulator.wsUrl, UPBIT_REST_URL: simulator.restUrl });
    await line("the edge can't be told");
    expect(await stopped(exit)).toBeLessThan(4500);
    await simulator.stop();
  });

  it("says which setting is wrong, with status 2", async () => {
    const { line, exit } = start({ ...ENV, EXCHANGES: "mars" });
    await line('there is no exchange "mars"');
    expect(await exit).toEqual([2, null]);
  });
});

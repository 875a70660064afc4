/** The program as it is started: whatever can't be reached, it ends in good order when it is told to. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../local/testing.ts";
import { type IngestReport, ingestReport } from "../protocol/ingest.ts";
import { startSimulator } from "../simulator/start-simulator.ts";

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

  it("reports an exchange whose list the edge refuses as down, and why", async () => {
    const simulator = await startSimulator({ rate: 500 });
    const reports: IngestReport[] = [];
    const edge = createServer(async (request, response) => {
      const body = await text(request);
      const { method, url = "" } = request;
      if (url.endsWith("/markets") && method === "PUT") response.writeHead(400).end('{"detail":"too long a list"}');
      else if (url.endsWith("/lease"))
        response.end(JSON.stringify({ granted: true, term: 1, holder: "us", freeIn: 0 }));
      else if (url.endsWith("/report")) {
        reports.push(ingestReport.parse(JSON.parse(body)));
        response.end(JSON.stringify({ registrations: [], drain: null }));
      } else response.writeHead(404).end();
    });
    await once(edge.listen(0, "127.0.0.1"), "listening");
    const { port } = edge.address() as AddressInfo;
    const urls = { UPBIT_WS_URL: simulator.wsUrl, UPBIT_REST_URL: simulator.restUrl };
    const { exit } = start({ ...ENV, ...urls, EXCHANGES: "upbit", EDGE_URL: `http://127.0.0.1:${port}` });
    await until(() => reports.some(({ status }) => /does not take its markets: .*400/.test(status.detail ?? "")));
    const said = reports.find(({ status }) => status.detail?.includes("its markets"));
    expect([said?.status.state, said?.hints.length]).toEqual(["down", 1]);
    // Of its log in memory.
    expect(said?.partitions).toBe(1);
    await stopped(exit);
    edge.close();
    await simulator.stop();
  });

  it("says which setting is wrong, with status 2", async () => {
    const { line, exit } = start({ ...ENV, EXCHANGES: "mars" });
    await line('there is no exchange "mars"');
    expect(await exit).toEqual([2, null]);
  });
});

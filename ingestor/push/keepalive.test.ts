/** Pings against the objects in the real runtime. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import { startWorker, type Worker } from "../../local/worker.ts";
import type { MarketFrame } from "../../protocol/ingest.ts";
import { EdgeClient } from "./edge-client.ts";
import { keepAlive } from "./keepalive.ts";

/** An object hibernates after 10 s without events. */
const LONG_ENOUGH = 14_000;

let folder: string;
let worker: Worker;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tickcast-"));
  const logFile = join(folder, "worker.log");
  worker = await startWorker({ persistDir: join(folder, "objects"), logFile, vars: { INGEST_TOKEN: "secret" } });
});
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

it("are answered by an object that hibernates, and wake it not", async () => {
  const edge = new EdgeClient({ url: worker.url, token: "secret", source: "live" });
  const names = { ko: null, en: null };
  const listed = { exchange: "upbit", base: "BTC", quote: "KRW", nativeSymbol: "KRW-BTC", names };
  await edge.putMarkets("upbit", [{ instrument: "upbit:BTC-KRW", ...listed, status: null, warning: null }]);
  const socket = edge.publish("upbit", "*-KRW", 0);
  await once(socket, "open");
  const heard: string[] = [];
  socket.on("message", (data) => heard.push(String(data)));
  let answers = 0;
  socket.on("pong", () => {
    answers += 1;
  });
  let silent = false;
  keepAlive(socket, { period: 500, patience: 10_000 }, () => {
    silent = true;
  });
  await until(() => silent || answers * 500 >= LONG_ENOUGH);
  expect([silent, heard]).toEqual([false, []]);
  // Were the object still awake, it would have nothing to ask for.
  socket.send(
    JSON.stringify({ op: "tickers", epoch: "e-0", tickers: [], gone: [], from: 0, asOf: 1 } satisfies MarketFrame),
  );
  await until(() => heard.length > 0);
  expect(heard).toEqual(['{"op":"resend"}']);
  socket.terminate();
});

/** Pings against the objects in the real runtime. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import { startWorker, type Worker } from "../../local/worker.ts";
import { type PartitionBatch, partitionReply, type TickerList } from "../../protocol/partition-frames.ts";
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
  const socket = edge.publishPartition("upbit", 0);
  const heard: unknown[] = [];
  socket.on("message", (data) => heard.push(partitionReply.parse(JSON.parse(String(data)))));
  await once(socket, "open");
  const list: TickerList = { op: "tickers", epoch: "e-0", from: 0, through: 7, tickers: [], asOf: 1, more: false };
  socket.send(JSON.stringify(list));
  let answers = 0;
  socket.on("pong", () => {
    answers += 1;
  });
  let silent = false;
  keepAlive(socket, { period: 500, patience: 10_000 }, () => {
    silent = true;
  });
  await until(() => silent || answers * 500 >= LONG_ENOUGH);
  const nothing = { op: "ready", epoch: null, through: 0, rates: [] };
  expect([silent, heard]).toEqual([false, [nothing]]);
  // Were the object still awake, it would have nothing to ask for: this continues what it has.
  const status = { state: "live", source: "live", since: 1, asOf: 1 } as const;
  const batch: PartitionBatch = {
    op: "batch",

    epoch: "e-0",
    prev: 7,
    through: 8,
    events: [],
    asOf: 1,
    status,
    due: [],
  };
  socket.send(JSON.stringify(batch));
  await until(() => heard.length > 1);
  expect(heard).toEqual([nothing, nothing]);
  socket.terminate();
});

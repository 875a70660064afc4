import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { infoBody } from "../protocol/rest.ts";
import { isPortFree } from "./ports.ts";
import { isAlive, temporaryFolder, until } from "./testing.ts";
import { startWorker } from "./worker.ts";

const folder = temporaryFolder();
const options = () => ({
  persistDir: join(folder(), "worker", "state"),
  logFile: join(folder(), "logs", "worker.log"),
  vars: { INGEST_TOKEN: "secret" },
});

/** What `/v1/info` answers to a request with this `Host`, which `fetch` would not send. */
async function infoAskedOf(host: string, port: number): Promise<string> {
  const asked = request({ host: "127.0.0.1", port, path: "/v1/info", headers: { Host: host } }).end();
  const [response]: Readable[] = await once(asked, "response");
  return response === undefined ? "" : text(response);
}

test("keeps what it stored through kill -9, on the same port, and believes no Host", async () => {
  const worker = await startWorker(options());
  onTestFinished(() => worker.stop());
  const market = { instrument: "upbit:BTC-KRW", exchange: "upbit", base: "BTC", quote: "KRW", nativeSymbol: "KRW-BTC" };
  const markets = [{ ...market, names: { ko: null, en: null }, status: "active", warning: null }];
  const put = await fetch(`${worker.url}/v1/ingest/upbit/markets`, {
    method: "PUT",
    headers: { Authorization: "Bearer secret" },
    body: JSON.stringify({ markets }),
  });
  expect(put.status).toBe(204);
  const { endpoints } = infoBody.parse(await (await fetch(`${worker.url}/v1/info`)).json());
  expect(endpoints.rest).toBe(`${worker.url}/v1`);
  expect(await infoAskedOf("evil.test", worker.port)).not.toContain("evil");
  const { pid } = worker;
  await worker.kill();
  await until(() => !isAlive(-pid));
  expect(await isPortFree(worker.port)).toBe(true); // or a workerd without its parent would serve there
  await worker.start();
  const answer = await fetch(`${worker.url}/v1/markets`);
  expect(await answer.json()).toEqual({ markets });
  await worker.stop();
  expect(await isPortFree(worker.port)).toBe(true);
  expect(await readFile(options().logFile, "utf8")).not.toContain("secret");
});

test("kill -9 of the parent leaves no runtime behind", async () => {
  const script = join(folder(), "parent.ts");
  await writeFile(
    script,
    `import { startWorker } from ${JSON.stringify(join(import.meta.dirname, "worker.ts"))};
     const { pid, port } = await startWorker(${JSON.stringify(options())});
     console.log(pid, port);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [pid = 0, port = 0] = String(await once(parent.stdout, "data"))
    .split(" ")
    .map(Number);
  expect(isAlive(-pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => isPortFree(port));
});

test("what keeps it from starting is reported", async () => {
  await expect(startWorker({ ...options(), bundle: join(folder(), "no-bundle.js") })).rejects.toThrow("no-bundle.js");
});

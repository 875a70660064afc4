import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const VERIFY = fileURLToPath(new URL("verify.ts", import.meta.url));
const ITEM = {
  ...{ stream: "upbit:BTC-KRW@trade@100ms", instrument: "upbit:BTC-KRW", epoch: "a", prev: 1, seq: 2, n: 0 },
  ...{ t: { exchange: 1, received: 2, logged: 3, edge: 4 }, trades: [] },
};
const LINE = `${JSON.stringify(ITEM)}\n`;

function recording(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "verify-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "r.jsonl");
  writeFileSync(file, text);
  return file;
}

async function verify(...args: string[]): Promise<{ code: unknown; err: string }> {
  const { KAFKA_BROKERS: _brokers, ...env } = process.env;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", VERIFY, ...args], {
    env: { ...env, DATA_DIR: "/nowhere" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, "close");
  return { code, err: err.trimEnd() };
}

test("without Kafka: says what to do", async () => {
  expect(await verify(recording(LINE))).toEqual({ code: 2, err: expect.stringMatching(/^which Kafka\? Set KAFKA_/) });
});

test("Kafka that does not answer: says which", async () => {
  const { code, err } = await verify(recording(LINE), "--brokers", "localhost:1");
  expect(code).toBe(2);
  expect(err).toMatch(/^cannot read the log of upbit from Kafka at localhost:1: .*/);
  expect(err.split("\n").length).toBe(1);
});

test("a file that is not there, or not given", async () => {
  expect(await verify("/nowhere/r.jsonl")).toEqual({ code: 2, err: expect.stringMatching(/no such file.*nowhere/) });
  expect(await verify()).toEqual({ code: 2, err: expect.stringMatching(/missing required argument/) });
});

test("a file without trades", async () => {
  const { trades: _trades, ...ticker } = ITEM;
  const file = recording(`${JSON.stringify(ticker)}\n`);
  expect(await verify(file)).toEqual({ code: 2, err: `${file} holds no items of a trade stream` });
});

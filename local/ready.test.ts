import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startProcess } from "./guarded-process.ts";
import { waitUntilReady } from "./ready.ts";
import { temporaryFolder } from "./testing.ts";

const folder = temporaryFolder();

async function started(script: string) {
  const program = await startProcess({ command: "sh", args: ["-c", script], logFile: join(folder(), "log") });
  onTestFinished(async () => void (await program.kill()));
  return program;
}

test("asks until there is an answer", async () => {
  let asked = 0;
  const probe = async () => {
    asked++;
    if (asked < 3) throw new Error("not yet");
  };
  await waitUntilReady(await started("sleep 100"), probe);
  expect(asked).toBe(3);
});

test("a program that ends is not waited for, and its error line is reported", async () => {
  const probe = () => Promise.reject(new Error("refused"));
  await expect(waitUntilReady(await started("echo out of memory; exit 2"), probe)).rejects.toThrow(
    "ended with code 2 before it was ready: out of memory",
  );
});

test("one that never answers is given up, with what it said last", async () => {
  const probe = () => Promise.reject(new Error("refused"));
  await expect(waitUntilReady(await started("sleep 100"), probe, { timeoutMs: 100 })).rejects.toThrow(
    "not ready after 0.1 s: refused",
  );
});

/** The commands a user proves it with: `tail --json` records, `verify` compares the recording with the log. */

import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireKafka } from "../local/testing.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";

const kafka = await requireKafka();
const REPOSITORY = join(import.meta.dirname, "..");
const LINES = 60;

kafka.describe("a recording", () => {
  let stack: TestStack;
  let recording: string[];

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300 }, redis: false });
    await pricesFlow(stack);
    recording = await record("upbit:BTC-KRW@trade@raw");
  });

  afterAll(() => stack?.stop());

  test("that is what the log holds is confirmed", async () => {
    const { code, output } = await verify(recording);
    expect(output).toContain("as the log has them");
    expect(code).toBe(0);
  });

  test("that lacks an item, or says another price, is not", async () => {
    const lacking = recording.filter((_, i) => i !== 10);
    expect(await verify(lacking)).toMatchObject({ code: 1, output: expect.stringContaining("is missing") });
    const altered = recording.map((line, i) => (i === 10 ? line.replace(/"price":"\d/, '"price":"9') : line));
    expect(await verify(altered)).toMatchObject({ code: 1, output: expect.stringContaining("differs") });
  });

  test("of a wildcard is confirmed, and not when an item is missing", async () => {
    const wildcard = await record("upbit:*-KRW@trade@raw");
    expect(await verify(wildcard)).toMatchObject({ code: 0, output: expect.stringContaining("as the log has them") });
    const instruments = wildcard.map((line) => /"instrument":"([^"]+)"/.exec(line)?.[1]);
    expect(new Set(instruments).size).toBeGreaterThan(1);
    // Between two others of its instrument.
    const between = instruments.findIndex((one, i) => instruments.indexOf(one) < i && instruments.lastIndexOf(one) > i);
    expect(between).toBeGreaterThan(0);
    const lacking = wildcard.filter((_, i) => i !== between);
    expect(await verify(lacking)).toMatchObject({ code: 1, output: expect.stringContaining("is missing") });
  });

  /** The first lines that `npm run tail -- --json` prints. */
  function record(stream: string): Promise<string[]> {
    const tail = spawn(process.execPath, [join(REPOSITORY, "client", "tail.ts"), stream, "--json", "--url", stack.url]);
    return new Promise((resolve, reject) => {
      let text = "";
      tail.stdout.on("data", (data) => {
        text += String(data);
        const lines = text.split("\n").slice(0, -1);
        if (lines.length < LINES) return;
        tail.kill();
        resolve(lines.slice(0, LINES));
      });
      tail.on("error", reject);
    });
  }

  async function verify(lines: readonly string[]): Promise<{ code: number; output: string }> {
    const file = join(stack.logDir, "recording.jsonl");
    await writeFile(file, `${lines.join("\n")}\n`);
    const env = { ...process.env, KAFKA_BROKERS: stack.kafka?.brokers.join(",") };
    return new Promise((resolve) => {
      const verifying = execFile(
        process.execPath,
        [join(REPOSITORY, "ingestor", "verify.ts"), file],
        { env },
        (_error, stdout, stderr) => resolve({ code: verifying.exitCode ?? -1, output: stdout + stderr }),
      );
    });
  }
});

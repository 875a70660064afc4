/** What an exchange sends and should not: kept as it came, counted, logged once for each kind, and nothing else happens. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RawRecord } from "../ingestor/replay/raw/raw-record.ts";
import { requireKafka } from "../local/testing.ts";
import { parseJson } from "../protocol/json.ts";
import { expectAllReceived, expectNoRepeats, expectUnbroken, quiesce } from "./support/complete.ts";
import { rawRecords } from "./support/raw-records.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();

kafka.describe("an exchange that misbehaves", () => {
  let stack: TestStack;
  let recorder: Recorder;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300 }, redis: false });
    await pricesFlow(stack);
    recorder = new Recorder(stack.url, "upbit:BTC-KRW@trade@raw");
    await moreTrades(5);
  });

  afterAll(async () => {
    recorder?.close();
    await stack?.stop();
  });

  test("bad frames disturb nothing", async () => {
    for (const how of ["malformed", "wrong_type", "missing_field", "malformed", "wrong_type"] as const) {
      stack.simulator?.faults.inject({ fault: "bad", how });
      await moreTrades(3);
    }
    // Raw frames and lines of the log are written apart from ticks, so a client may have its trades before them.
    await until(async () => (await complaints()).length >= 3, "a line for each kind of bad frame");
    await until(async () => (await malformed()).length >= 2, "both malformed frames in the raw topic");
  });

  test("frames that are repeated enter the log once", async () => {
    stack.simulator?.faults.inject({ fault: "repeat", count: 50 });
    await moreTrades(5);
  });

  test("a dropped socket: it comes back, says what may be missing, and fetches it", async () => {
    const dropped = () => recorder.gaps.filter(({ cause }) => cause === "exchange_disconnect");
    stack.simulator?.faults.inject({ fault: "drop" });
    await until(() => dropped().length >= 2, "a gap, and its end");
    const [open, closed] = dropped();
    expect([open?.state, closed?.state]).toEqual(["open", "healed"]);
    expect(closed).toMatchObject({ since: open?.since, until: open?.until });
    expect((open?.until ?? 0) - (open?.since ?? 0)).toBeGreaterThan(0);
    await moreTrades(5);
  });

  test("after all that the log is whole", async () => {
    const logs = await quiesce(stack, [recorder]);
    expectNoRepeats(logs);
    expectUnbroken(recorder, logs);
    await expectAllReceived(stack);
    expect((await complaints()).length).toBe(3);
    // Exactly as they came: the malformed one ends too early for any parser.
    expect((await malformed()).length).toBe(2);
    expect((await rawRecords(stack)).filter(({ received, connection }) => !received || !connection)).toEqual([]);
    expect(await stack.errors()).toEqual([]);
  });

  async function moreTrades(count: number): Promise<void> {
    const before = recorder.trades.length;
    await until(() => recorder.trades.length >= before + count, `${count} more trades`);
  }

  async function complaints(): Promise<string[]> {
    const log = await readFile(join(stack.logDir, "ingestor.log"), "utf8");
    return log.split("\n").filter((line) => line.includes("a frame that can't be read"));
  }

  async function malformed(): Promise<RawRecord[]> {
    return (await rawRecords(stack)).filter(({ text }) => parseJson(text) === undefined);
  }
});

/** Two ingestors of one exchange: one collects, the other stands by. Whatever happens to the first, no trade is lost or repeated. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startIngestor } from "../local/ingestor.ts";
import type { Service } from "../local/service.ts";
import { requireKafka } from "../local/testing.ts";
import { upbit } from "../simulator/upbit/dialect.ts";
import { expectNoRepeats, expectUnbroken } from "./support/complete.ts";
import { Reconciler } from "./support/reconciler.ts";
import { startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

interface Party {
  readonly pid: number;
  readonly log: string;
}

const kafka = await requireKafka();

kafka.describe("two ingestors of one exchange", () => {
  let stack: TestStack;
  let audit: Reconciler;
  let second: Service;

  beforeAll(async () => {
    const listings = upbit.listings().slice(0, 30);
    stack = await startTestStack({ simulator: { rate: 300, paused: true, listings }, redis: false });
    audit = await Reconciler.of(stack, "upbit");
    second = await startIngestor({ env: stack.ingestorEnv, logFile: join(stack.logDir, "second.log") });
    await until(async () => (await words("second.log")).includes("standing by"), "the second to stand by");
    stack.simulator?.pace.resume();
  });

  afterAll(async () => {
    audit?.close();
    await second?.kill();
    await stack?.stop();
  });

  async function words(file: string): Promise<string> {
    return readFile(join(stack.logDir, file), "utf8").catch(() => "");
  }
  const takeovers = async (file: string) => (await words(file)).split("took the log over").length - 1;
  const sent = () => stack.executed().findLast(({ sentTo }) => sentTo > 0)?.seq ?? 0;

  const noticed = async (file: string) => (await words(file)).split("another ingestor collects now").length - 1;

  /** Pauses the leader until the other one collects, and wakes it. */
  async function pauseLeader(leader: Party, other: Party): Promise<void> {
    const [before, woken] = [await takeovers(other.log), await noticed(leader.log)];
    const { head = 0 } = stack.simulator?.state() ?? {};
    process.kill(leader.pid, "SIGSTOP");
    await until(async () => (await takeovers(other.log)) > before, "the other one to take over");
    await until(() => sent() > head + 300, "trades that the other one collects");
    process.kill(leader.pid, "SIGCONT");
    await until(async () => (await noticed(leader.log)) > woken, "the woken one to notice");
  }

  /** What was executed is what the clients have, and every reader of the log reads the same. */
  async function expectWhole(): Promise<number> {
    const log = await audit.settles();
    audit.expectEachExecutedOnce();
    expectNoRepeats(log);
    for (const recorder of audit.recorders) expectUnbroken(recorder, log);
    expect(audit.gaps.filter(({ state }) => state === "lost")).toEqual([]);
    stack.simulator?.pace.resume();
    return log.reduce((sum, { voided }) => sum + voided, 0);
  }

  test("the leader killed: the other one collects", async () => {
    await audit.receives(200);
    await stack.ingestor?.kill();
    const { head = 0 } = stack.simulator?.state() ?? {};
    await until(() => sent() > head, "the other one to collect");
    await audit.receives(200);
    expect(await takeovers("second.log")).toBe(1);
    await expectWhole();
  });

  test("the leader paused and woken: what it still writes is void, and it stands by", async () => {
    await stack.ingestor?.start();
    await until(async () => (await words("ingestor.log")).includes("standing by"), "the first to stand by");
    const first: Party = { pid: stack.ingestor?.pid ?? Number.NaN, log: "ingestor.log" };
    let [leader, other]: [Party, Party] = [{ pid: second.pid, log: "second.log" }, first];
    // One that had nothing on its way when it was paused notices before it writes anything: then it is the other's turn.
    let voided = 0;
    for (let turn = 0; voided === 0; turn += 1) {
      expect(turn, "turns without a record that came too late").toBeLessThan(6);
      await audit.receives(100);
      await pauseLeader(leader, other);
      await audit.receives(300);
      voided = await expectWhole();
      [leader, other] = [other, leader];
    }
  });

  test("the Worker and its lease object away for 20 s: the leader goes on", async () => {
    await audit.receives(100);
    const before = (await takeovers("ingestor.log")) + (await takeovers("second.log"));
    await stack.worker.kill();
    const { head = 0 } = stack.simulator?.state() ?? {};
    await until(() => (stack.simulator?.state().head ?? 0) > head + 20 * 300, "20 s of trades");
    expect(sent()).toBeGreaterThan(head + 19 * 300);
    await stack.worker.start();
    await audit.receives(7000);
    await expectWhole();
    expect((await takeovers("ingestor.log")) + (await takeovers("second.log"))).toBe(before);
  });
});

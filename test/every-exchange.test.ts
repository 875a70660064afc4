/**
 * Every exchange against its own dialect: thirty markets of each, with two disconnects, a socket that goes silent, a frame that
 * can't be read, and a history that has forgotten. What was executed and what a client received must be the same trades.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { requireKafka } from "../local/testing.ts";
import { dialects } from "../simulator/dialects.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { expectUnbroken } from "./support/complete.ts";
import { Reconciler } from "./support/reconciler.ts";
import { startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const MARKETS = 30;
const kafka = await requireKafka();

kafka.describe("an exchange end to end", () => {
  let stack: TestStack;

  beforeAll(async () => {
    stack = await startTestStack({
      redis: false,
      exchanges: dialects.map(({ name }) => name),
      simulators: Object.fromEntries(
        dialects.map((dialect) => [dialect.name, { listings: dialect.listings().slice(0, MARKETS), rate: 60 }]),
      ),
      ingestor: { SILENCE_MS: "12000" },
    });
  });

  afterAll(async () => {
    await stack?.stop();
  });

  test.concurrent.each(dialects.map(({ name }) => name))("%s", { timeout: 240_000 }, async (name) => {
    const simulator = stack.simulators.get(name);
    if (simulator === undefined) throw new Error(`${name} is not simulated`);
    const audit = await Reconciler.of(stack, name);
    try {
      await nothingIsLost(simulator, audit);
      await lossIsTold(simulator, audit);
    } finally {
      audit.close();
    }
  });

  /** What was executed is what a client received, each trade once and the live ones in order. */
  async function nothingIsLost(simulator: Simulator, audit: Reconciler): Promise<void> {
    await audit.receives(200);
    for (let disconnects = 1; disconnects <= 2; disconnects += 1) {
      await away(simulator, async () => executes(simulator, 100));
      await audit.receives(100);
    }
    simulator.faults.inject({ fault: "silent" });
    await until(() => simulator.state().sockets === 0, "the silent socket to be given up");
    simulator.faults.inject({ fault: "speak" });
    await audit.receives(100);
    await until(() => simulator.faults.inject({ fault: "bad", how: "wrong_type" }) > 0, "a bad frame to be sent");
    await until(() => audit.gaps.some(({ cause }) => cause === "unreadable_frame"), "it to be announced");
    await audit.receives(100);
    const log = await audit.settles();
    audit.expectEachExecutedOnce();
    audit.expectLiveInOrder();
    for (const recorder of audit.recorders) expectUnbroken(recorder, log);
    expect(audit.gaps.filter(({ state }) => state === "lost")).toEqual([]);
    const healed = audit.gaps.filter(({ state }) => state === "healed").map(({ cause }) => cause);
    expect(healed).toEqual(expect.arrayContaining(["exchange_disconnect", "unreadable_frame"]));
    simulator.pace.resume();
  }

  /** Exactly the trades that the history has forgotten are covered by lost gaps. */
  async function lossIsTold(simulator: Simulator, audit: Reconciler): Promise<void> {
    await audit.receives(100);
    await until(() => audit.isWhole, "every gap to be closed");
    const before = Date.now();
    let forgotten = 0;
    await away(simulator, async () => {
      await executes(simulator, 100);
      simulator.faults.inject({ fault: "forget" });
      forgotten = Date.now();
      await executes(simulator, 100);
    });
    await audit.receives(200);
    await audit.settles();
    audit.expectLostCovered(before, forgotten);
  }

  /** Cuts the connection, and lets the collector back in when `meanwhile` is over. */
  async function away(simulator: Simulator, meanwhile: () => Promise<void>): Promise<void> {
    simulator.faults.inject({ fault: "refuse", on: true });
    simulator.faults.inject({ fault: "drop" });
    await meanwhile();
    simulator.faults.inject({ fault: "refuse", on: false });
    await until(() => simulator.state().sockets > 0, "the collector to come back");
  }

  async function executes(simulator: Simulator, count: number): Promise<void> {
    const { head } = simulator.state();
    await until(() => simulator.state().head > head + count, `${count} trades`);
  }
});

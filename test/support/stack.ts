/** A whole Tickcast for one test file, in a folder of its own, with nothing started again behind the test's back. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { createLogger } from "../../ingestor/logger.ts";
import { type PartitionLog, readLog } from "../../ingestor/verify/read-log.ts";
import { type Stack, type StackOptions, startStack } from "../../local/stack.ts";
import type { MarketEvent } from "../../protocol/events.ts";
import type { Executed } from "../../simulator/executed.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { until } from "./until.ts";

export interface TestStack extends Stack {
  /** That of the first exchange, unless it is not simulated. */
  readonly simulator: Simulator | undefined;
  /** Reads the log of an exchange, the first by default, as a fresh reader would. */
  log(exchange?: string): Promise<PartitionLog[]>;
  get(path: string): Promise<{ status: number; body: unknown }>;
  /** What the ingestor logged at `error` level or above, and what the Worker's runtime complained of. */
  errors(): Promise<string[]>;
  /** Reconciler that the simulator of an exchange, the first by default, executed so far. */
  executed(exchange?: string): Executed[];
}

export async function startTestStack(options: Partial<StackOptions> = {}): Promise<TestStack> {
  const dataDir = await mkdtemp(join(tmpdir(), "tickcast-test-"));
  const source = options.source ?? "simulated";
  const stack = await startStack({ dataDir, source, restart: false, bundle: inject("workerBundle"), ...options });
  const prefix = source === "simulated" ? "sim." : "";
  const first = options.exchanges?.[0] ?? "upbit";
  return {
    ...stack,
    simulator: stack.simulators.get(first),
    async stop() {
      await stack.kill();
      await rm(dataDir, { recursive: true, force: true });
    },
    log: (exchange = first) =>
      readLog({ brokers: stack.kafka?.brokers ?? [], ssl: false, prefix }, exchange, createLogger("silent")),
    async get(path) {
      const response = await fetch(stack.url + path, { signal: AbortSignal.timeout(10_000) });
      return { status: response.status, body: await response.json() };
    },
    async errors() {
      const lines = async (name: string) => (await readFile(join(stack.logDir, name), "utf8")).split("\n");
      const ingestor = (await lines("ingestor.log")).filter((line) => /"level":(50|60)/.test(line));
      const worker = (await lines("worker.log")).filter((line) => /\berror\b|exception|uncaught/i.test(line));
      return [...ingestor, ...worker];
    },
    executed(exchange = first) {
      const all: Executed[] = [];
      for (let after = 0; ; ) {
        const page = stack.simulators.get(exchange)?.executed(after, 10_000);
        if (page === undefined || page.trades.length === 0) return all;
        all.push(...page.trades);
        after = page.next;
      }
    },
  };
}

/** Every trade of the log, by instrument and id. */
export function tradesOf(logs: readonly PartitionLog[]): { instrument: string; id: string }[] {
  return logs
    .flatMap(({ events }) => events)
    .flatMap(({ event }: { event: MarketEvent }) =>
      event.type === "trade" ? [{ instrument: event.instrument, id: event.id ?? "" }] : [],
    );
}

/** Resolves when the newest price of an instrument can be read. */
export async function pricesFlow(stack: TestStack, symbol = "BTC-KRW", exchange = "upbit"): Promise<void> {
  await until(async () => {
    const { body } = await stack.get(`/v1/tickers/${exchange}/${symbol}`);
    return (body as { ticker?: unknown }).ticker != null;
  }, `a price of ${symbol}`);
}

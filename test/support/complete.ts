/** The proof that every test of faults ends with: nothing lost, nothing twice, nothing out of order. */

import { expect } from "vitest";
import { compare, continuousRuns } from "../../ingestor/verify/compare.ts";
import type { PartitionLog } from "../../ingestor/verify/read-log.ts";
import type { Gap } from "../../protocol/events.ts";
import type { Executed } from "../../simulator/executed.ts";
import { hasOpenGap } from "./open-gaps.ts";
import type { Recorder } from "./recorder.ts";
import { type TestStack, tradesOf } from "./stack.ts";
import { until } from "./until.ts";

/** Everything the client saw, from its first item to the cut, is what the log holds: every trade and gap once, in order. */
export function expectUnbroken(recorder: Recorder, logs: readonly PartitionLog[]): void {
  const runs = continuousRuns(recorder.untilCut);
  // One stretch: a second one would mean that the client had to begin anew.
  expect(runs.length, `${recorder.stream}: runs`).toBe(1);
  for (const run of runs) {
    const log = logs.find(({ epoch }) => epoch === run.epoch);
    expect(log, `${recorder.stream}: the log of ${run.epoch}`).toBeDefined();
    expect(compare(run, log?.events ?? []), recorder.stream).toEqual([]);
  }
}

/** No trade stands in the log twice. */
export function expectNoRepeats(logs: readonly PartitionLog[]): void {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { instrument, id } of tradesOf(logs)) {
    const key = `${instrument}/${id}`;
    if (seen.has(key)) twice.push(key);
    seen.add(key);
  }
  expect(twice).toEqual([]);
}

/** Every trade that was sent to a living collector is in the log, at once or after a while: clients of some have no other's. */
export async function expectAllReceived(stack: TestStack, exchange = "upbit"): Promise<void> {
  const sent = stack.executed(exchange).filter(({ sentTo }) => sentTo > 0);
  let missing: string[] = [];
  await until(
    async () => {
      missing = notIn(await stack.log(exchange), exchange, sent);
      return missing.length === 0;
    },
    () => `${missing.length} trades to be in the log: ${missing.slice(0, 10)}`,
  );
}

/**
 * Waits until nothing is being fetched any more, and every trade after the `head`-th that was executed, whether it was sent
 * or not, is in the log. Histories are fetched one instrument after another: all of them take a while.
 */
export async function backfilled(stack: TestStack, head: number, exchange = "upbit"): Promise<PartitionLog[]> {
  const executed = stack.executed(exchange).filter(({ seq }) => seq > head);
  let logs: PartitionLog[] = [];
  const isDone = async () => {
    logs = await stack.log(exchange);
    return openGaps(logs).length === 0 && notIn(logs, exchange, executed).length === 0;
  };
  const left = () => {
    const missing = notIn(logs, exchange, executed);
    return `${openGaps(logs).length} gaps are open, ${missing.length} trades are not in the log: ${missing.slice(0, 10)}`;
  };
  await until(isDone, () => `everything to be fetched; ${left()}`, 120_000);
  return logs;
}

/** The instruments of which something is still being fetched. */
function openGaps(logs: readonly PartitionLog[]): string[] {
  const gaps = new Map<string, Gap[]>();
  for (const { event } of logs.flatMap(({ events }) => events)) {
    if (event.type === "gap") gaps.set(event.instrument, [...(gaps.get(event.instrument) ?? []), event]);
  }
  return [...gaps].filter(([, told]) => hasOpenGap(told)).map(([instrument]) => instrument);
}

function notIn(logs: readonly PartitionLog[], exchange: string, executed: readonly Executed[]): string[] {
  const logged = new Set(tradesOf(logs).map(({ instrument, id }) => `${instrument}/${id}`));
  return executed.map(({ market, id }) => `${instrumentOf(exchange, market)}/${id}`).filter((key) => !logged.has(key));
}

/** Stops the simulated trading, waits until every client has the last trade of its instrument, and reads the log. */
export async function quiesce(stack: TestStack, recorders: readonly Recorder[]): Promise<PartitionLog[]> {
  await untilStill(stack, recorders);
  for (const recorder of recorders) recorder.cut();
  return stack.log();
}

/** Stops the simulated trading and waits until every client has the last trade of its instrument. Gaps may still come. */
export async function untilStill(stack: TestStack, recorders: readonly Recorder[]): Promise<void> {
  for (const simulator of stack.simulators.values()) simulator.pace.pause();
  const newest = new Map<string, string>();
  for (const exchange of stack.simulators.keys()) {
    for (const { market, id } of stack.executed(exchange)) newest.set(instrumentOf(exchange, market), id);
  }
  for (const recorder of recorders) {
    const instrument = recorder.stream.slice(0, recorder.stream.indexOf("@"));
    const id = newest.get(instrument);
    await until(
      () =>
        recorder.trades.some((trade) => trade.id === id) ||
        recorder.items.some(({ trades }) => trades?.some((one) => one.id === id)),
      `${recorder.stream}: its last trade ${id}`,
    );
  }
}

/** A simulator's market, as Tickcast names it. */
function instrumentOf(exchange: string, market: string): string {
  return `${exchange}:${market.split("-").reverse().join("-")}`;
}

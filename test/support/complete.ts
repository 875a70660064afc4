/** The proof that every test of faults ends with: nothing lost, nothing twice, nothing out of order. */

import { expect } from "vitest";
import { compare, stretches } from "../../ingestor/verify/compare.ts";
import type { PartitionLog } from "../../ingestor/verify/read-log.ts";
import type { Recorder } from "./recorder.ts";
import { type TestStack, tradesOf } from "./stack.ts";
import { until } from "./until.ts";

/** Everything the client saw, from its first item to its last, is what the log holds: every trade and gap once, in order. */
export function expectUnbroken(recorder: Recorder, logs: readonly PartitionLog[]): void {
  const runs = stretches(recorder.items);
  // One stretch: a second one would mean that the client had to begin anew.
  expect(runs.length, `${recorder.stream}: stretches`).toBe(1);
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

/**
 * Every trade that was sent to a living collector is in the log.
 *
 * @param after of these, those executed after this time, ms
 */
export function expectAllReceived(
  stack: TestStack,
  logs: readonly PartitionLog[],
  after = 0,
  exchange = "upbit",
): void {
  const logged = new Set(tradesOf(logs).map(({ instrument, id }) => `${instrument}/${id}`));
  const missing = stack
    .executed(exchange)
    .filter(({ sentTo, timestamp }) => sentTo > 0 && timestamp > after)
    .map(({ market, id }) => `${instrumentOf(exchange, market)}/${id}`)
    .filter((key) => !logged.has(key));
  expect(missing.slice(0, 10), `${missing.length} trades are not in the log`).toEqual([]);
}

/** Stops the simulated trading and waits until every client has the last trade of its instrument. */
export async function settle(stack: TestStack, recorders: readonly Recorder[]): Promise<PartitionLog[]> {
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
  return stack.log();
}

/** A simulator's market, as Tickcast names it. */
function instrumentOf(exchange: string, market: string): string {
  return `${exchange}:${market.split("-").reverse().join("-")}`;
}

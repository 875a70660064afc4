/** Connections that are replaced before they end, and markets dealt out to several, against the simulated Binance. */

import { expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { binance as dialect } from "../../../simulator/binance/dialect.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { binance } from "../../exchanges/binance/index.ts";
import type { Feed } from "../../exchanges/exchange.ts";
import type { Collector } from "../collector.ts";
import { collect, simulate } from "../testing/collect.ts";
import { RecordingLog } from "../testing/recording-log.ts";

const MARKETS = 6;
let simulator: Simulator;
let log: RecordingLog;
let collector: Collector;

async function start(feed: Partial<Feed>, leaveMs = 60_000): Promise<void> {
  log = new RecordingLog();
  const listings = dialect.listings().slice(0, MARKETS);
  simulator = await simulate({ dialect, settings: { leaveMs }, listings, rate: 200 });
  ({ collector } = collect({ ...binance, feed: { ...binance.feed, ...feed } }, simulator, log));
  await until(() => collector.status.state === "live" && log.trades.length > 50);
}

/** Every id of every market from the first one received on, once each and in order; nothing was fetched. */
function expectNothingMissed(): void {
  const byMarket = Map.groupBy(log.trades, ({ instrument }) => instrument);
  expect(byMarket.size).toBe(MARKETS);
  for (const [instrument, trades] of byMarket) {
    const ids = trades.map(({ id }) => Number(id));
    const first = ids[0] ?? 0;
    expect([instrument, ids]).toEqual([instrument, ids.map((_, i) => first + i)]);
  }
  expect([log.gaps, log.trades.filter(({ late }) => late)]).toEqual([[], []]);
}

it("replaces a connection that has reached its age: no trade missed, repeated or out of order", async () => {
  await start({ lifetime: 500 });
  await until(() => collector.counts.rotations >= 2);
  expectNothingMissed();
  expect(collector.counts.reconnects).toBe(0);
  expect(collector.counts.repeats).toBeGreaterThan(0);
}, 30_000);

it("replaces a connection that the exchange announces to close, before it does", async () => {
  await start({}, 5000);
  simulator.faults.inject({ fault: "leave" });
  await until(() => collector.counts.rotations === 1);
  const { length } = log.trades;
  await until(() => log.trades.length > length + 100);
  expectNothingMissed();
  expect(collector.counts.reconnects).toBe(0);
}, 30_000);

it("deals the markets out to several connections, and is live when all of them are", async () => {
  await start({ marketsPerConnection: 2, connects: { count: 10, per: 1000 } });
  expect([collector.counts.connections, simulator.state().sockets]).toEqual([3, 3]);
  await until(() => new Set(log.trades.map(({ instrument }) => instrument)).size === MARKETS);
  expectNothingMissed();
  simulator.faults.inject({ fault: "drop" });
  await until(() => collector.counts.reconnects === 3);
  await until(() => collector.status.state === "live" && collector.counts.openGaps === 0);
}, 30_000);

it("notices trades that the exchange leaves out on a living connection, and fetches them", async () => {
  await start({});
  simulator.faults.inject({ fault: "skip", count: 5 });
  await until(() => log.gaps.some(({ state }) => state === "healed") && collector.counts.openGaps === 0);
  expect([...new Set(log.gaps.map(({ cause }) => cause))]).toEqual(["missed_trades"]);
  await until(() => {
    const executed = simulator.executed(0, 10_000).trades;
    const logged = new Set(log.trades.map(({ id }) => id));
    const first = Math.min(...executed.filter(({ id }) => logged.has(id)).map(({ seq }) => seq));
    return executed
      .filter(({ seq }) => seq > first + MARKETS)
      .slice(0, 200)
      .every(({ id }) => logged.has(id));
  });
}, 60_000);

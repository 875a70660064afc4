/** An exchange that comes back with lower trade ids than it had: the simulated Binance, opened anew at the same address. */

import { expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { binance as dialect } from "../../../simulator/binance/dialect.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { binance } from "../../exchanges/binance/index.ts";
import { collect, simulate } from "../testing/collect.ts";
import { RecordingLog } from "../testing/recording-log.ts";

const HOUR = 3_600_000;

/** @param opened how long before now (ms) its ids begin */
async function open(opened: number, port = 0): Promise<Simulator> {
  let behind = opened;
  const now = () => Date.now() - behind;
  const listings = dialect.listings().slice(0, 2);
  const opening = await simulate({ dialect, listings, now, port, paused: true });
  behind = 0;
  return opening;
}

it("opens a gap, fetches all that was traded since, and goes on with the new ids", async () => {
  let simulator = await open(0);
  const { wsUrl } = simulator;
  const log = new RecordingLog();
  const { collector } = collect(binance, simulator, log);
  await until(() => collector.status.state === "live" && simulator.state().sockets === 1);
  const market = simulator.engine.markets[0]?.code;
  const execute = (count: number) => {
    for (let i = 0; i < count; i += 1) simulator.engine.execute(market);
  };
  execute(20);
  await until(() => log.trades.length === 20);
  const last = log.trades.at(-1);
  await simulator.stop();
  simulator = await open(HOUR, Number(new URL(wsUrl).port));
  // Lower ids are those of a new beginning once they are later than a frame can be overtaken.
  await until(() => Date.now() > (last?.time ?? 0) + 1000);
  execute(30);
  await until(() => simulator.state().sockets === 1 && collector.status.state === "live");
  execute(10);
  await until(() => log.gaps.some(({ state }) => state === "healed"));
  execute(10);
  await until(() => log.trades.length === 70);
  const ids = log.trades.map(({ id }) => Number(id));
  expect(Math.max(...ids.slice(20))).toBeLessThan(Math.min(...ids.slice(0, 20)));
  expect(new Set(ids).size).toBe(70);
  const ofMarket = log.gaps.filter(({ instrument }) => instrument === last?.instrument);
  expect(ofMarket.map(({ cause, state }) => [cause, state])).toEqual([
    ["exchange_disconnect", "open"],
    ["exchange_disconnect", "healed"],
  ]);
});

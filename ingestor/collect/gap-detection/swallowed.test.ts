/** Living connections that swallow frames, on the exchanges whose ids don't count up: what the tickers add up to shows it. */

import { describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { bithumb as bithumbDialect } from "../../../simulator/bithumb/dialect.ts";
import { korbit as korbitDialect } from "../../../simulator/korbit/dialect.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { upbit as upbitDialect } from "../../../simulator/upbit/dialect.ts";
import { bithumb } from "../../exchanges/bithumb/index.ts";
import { korbit } from "../../exchanges/korbit/index.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import type { Collector } from "../collector.ts";
import { collect, simulate } from "../testing/collect.ts";
import { RecordingLog } from "../testing/recording-log.ts";

const MARKETS = 5;
const EXCHANGES = [
  { name: "upbit", exchange: upbit, dialect: upbitDialect, sumsADay: true },
  { name: "bithumb", exchange: bithumb, dialect: bithumbDialect, sumsADay: true },
  { name: "korbit", exchange: korbit, dialect: korbitDialect, sumsADay: false },
] as const;

describe.each(EXCHANGES)("$name: a living connection", ({ exchange, dialect, sumsADay }) => {
  let simulator: Simulator;
  let log: RecordingLog;
  let collector: Collector;

  async function start(rate: number, now = Date.now): Promise<void> {
    log = new RecordingLog();
    const listings = dialect.listings().slice(0, MARKETS);
    simulator = await simulate<object>({ dialect, listings, rate, now, paused: true });
    ({ collector } = collect(exchange, simulator, log));
    await until(() => log.trades.length >= MARKETS && collector.status.state === "live");
  }
  /** What a trade says: Bithumb's history has ids of its own. */
  const told = (time: number, size: string) => `${time}/${size.replace(/\.?0+$/, "")}`;
  function missing(): string[] {
    const had = log.trades.map(({ time, size }) => told(time, size));
    return simulator
      .executed(MARKETS, 100_000)
      .trades.map(({ timestamp, volume }) => told(timestamp, volume))
      .filter((trade) => {
        const at = had.indexOf(trade);
        if (at >= 0) had.splice(at, 1);
        return at < 0;
      });
  }
  const executed = (count: number) => {
    const { head } = simulator.state();
    return until(() => simulator.state().head >= head + count);
  };
  const healed = () => until(() => log.gaps.length > 0 && collector.counts.openGaps === 0);

  it("that leaves out one trade of a quiet market is caught by its ticker", async () => {
    // A clock that is behind, and goes on by two seconds with each trade.
    let now = Date.now() - 60_000;
    await start(1, () => now);
    const execute = () => {
      now += 2000;
      return simulator.engine.execute(simulator.engine.markets[1]?.code);
    };
    for (let trades = 1; trades <= 5; trades += 1) {
      execute();
      await until(() => missing().length === 0);
    }
    simulator.faults.inject({ fault: "skip", count: 1 });
    execute();
    expect(missing().length).toBe(1);
    await healed();
    expect(missing()).toEqual([]);
    expect(log.gaps.map(({ cause, state }) => [cause, state])).toEqual([
      ["missed_trades", "open"],
      ["missed_trades", "healed"],
    ]);
  });

  // A rolling window can't tell: what leaves it hides what is missing.
  const itWithDays = sumsADay ? it : undefined;
  itWithDays?.("that swallows everything for a while loses nothing", async () => {
    await start(20);
    simulator.pace.resume();
    await executed(60);
    simulator.faults.inject({ fault: "silent", ms: 1500 });
    await until(() => !simulator.state().silent);
    expect(simulator.state().frames.suppressed).toBeGreaterThan(0);
    await executed(60);
    simulator.pace.setRate(2);
    await until(() => missing().length === 0);
    await healed();
    expect(collector.counts.reconnects).toBe(0);
    expect(new Set(log.gaps.map(({ cause }) => cause))).toEqual(new Set(["missed_trades"]));
  });

  it("that brings everything opens no gap", async () => {
    await start(100);
    simulator.pace.resume();
    await executed(400);
    simulator.faults.inject({ fault: "repeat", count: 50 });
    simulator.faults.inject({ fault: "delay", ms: 1000 });
    await executed(200);
    simulator.pace.setRate(2);
    await executed(6);
    simulator.pace.pause();
    await until(() => missing().length === 0);
    expect(log.gaps).toEqual([]);
  });
});

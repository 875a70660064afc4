/** Frames of the simulated exchanges over midnight, on a clock that the test sets, out of order as recorded ones are. */

import { describe, expect, it } from "vitest";
import { bithumb as bithumbDialect } from "../../../simulator/bithumb/dialect.ts";
import { bithumbFrames } from "../../../simulator/bithumb/frames.ts";
import { MarketEngine } from "../../../simulator/engine.ts";
import { korbit as korbitDialect } from "../../../simulator/korbit/dialect.ts";
import * as korbitFrames from "../../../simulator/korbit/frames.ts";
import { mulberry32 } from "../../../simulator/random.ts";
import type { Ticker } from "../../../simulator/statistics.ts";
import type { Trade } from "../../../simulator/trade.ts";
import { upbit as upbitDialect } from "../../../simulator/upbit/dialect.ts";
import { upbitFrames } from "../../../simulator/upbit/frames.ts";
import { bithumb } from "../../exchanges/bithumb/index.ts";
import { korbit } from "../../exchanges/korbit/index.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { VolumeCheck } from "./volume-check.ts";

/** Both midnights are at some end of it: 15:00 UTC is that of Korea. */
const UTC_MIDNIGHT = Date.UTC(2026, 10, 26);
const KOREAN_MIDNIGHT = Date.UTC(2026, 10, 25, 15);
/** Frames overtake each other by less than this, ms. */
const DISORDER = 250;

const EXCHANGES = [
  {
    name: "upbit",
    exchange: upbit,
    dialect: upbitDialect,
    midnight: UTC_MIDNIGHT,
    trade: (trade: Trade) => upbitFrames.trade(trade, "SIMPLE", "REALTIME"),
    ticker: (ticker: Ticker) => upbitFrames.ticker(ticker, "SIMPLE", "REALTIME"),
  },
  {
    name: "bithumb",
    exchange: bithumb,
    dialect: bithumbDialect,
    midnight: KOREAN_MIDNIGHT,
    trade: (trade: Trade) => bithumbFrames.trade(trade, "DEFAULT", "REALTIME"),
    ticker: (ticker: Ticker) => bithumbFrames.ticker(ticker, "DEFAULT", "REALTIME"),
  },
  {
    name: "korbit",
    exchange: korbit,
    dialect: korbitDialect,
    midnight: KOREAN_MIDNIGHT,
    trade: (trade: Trade) => korbitFrames.tradeFrame(trade.market, [trade], { at: trade.frameAt }),
    ticker: (ticker: Ticker) => korbitFrames.tickerFrame(ticker, { at: ticker.frameAt }),
  },
] as const;

describe.each(EXCHANGES)("the volumes of $name", ({ exchange, dialect, midnight, trade, ticker }) => {
  /** @param loses whether the n-th trade's frame is swallowed @returns in how many alarms, and how many were swallowed */
  function run(minutes: number, rate: number, loses: (nth: number) => boolean) {
    const random = mulberry32(7);
    const start = midnight - minutes * 30_000;
    let now = start;
    const engine = new MarketEngine({
      listings: dialect.listings().slice(0, 20),
      window: dialect.window,
      now: () => now,
      seed: 3,
      keep: 1000,
    });
    const waiting: { at: number; frame: string }[] = [];
    let [trades, lost] = [0, 0];
    engine.onTrade((one, figures) => {
      waiting.push({ at: now + random() * DISORDER, frame: ticker(figures) });
      trades += 1;
      if (loses(trades)) lost += 1;
      else waiting.push({ at: now + random() * DISORDER, frame: trade(one) });
    });
    const check = new VolumeCheck();
    const parse = exchange.parser([]);
    const alarms: string[] = [];
    for (let seconds = 0; seconds < minutes * 60; seconds += 1) {
      const end = start + (seconds + 1) * 1000;
      while (now < end) {
        now += Math.ceil((-Math.log(1 - random()) * 1000) / rate);
        engine.execute();
      }
      waiting.sort((a, b) => a.at - b.at);
      const due = waiting.filter(({ at }) => at <= now).length;
      for (const { at, frame } of waiting.splice(0, due)) {
        const parsed = parse(frame, Math.ceil(at) + DISORDER);
        if (parsed.kind !== "events") throw new Error(`not read: ${frame}`);
        for (const event of parsed.events) {
          if (event.type === "trade") check.trade(event, true);
          else check.ticker(event, parsed.volumes?.get(event.instrument));
        }
      }
      for (const { instrument, since } of check.tick()) {
        alarms.push(`${instrument} ${new Date(since).toISOString()}`);
        check.cover(instrument, now);
      }
    }
    return { alarms, lost };
  }

  it("give no false alarm over midnight, whatever the order of frames", () => {
    const minutes = Number(process.env["VOLUME_MINUTES"] ?? 10);
    for (const rate of [5, 50]) expect(run(minutes, rate, () => false)).toEqual({ alarms: [], lost: 0 });
  });

  it("show what is swallowed", () => {
    const { alarms, lost } = run(10, 20, (nth) => nth % 500 === 499);
    expect(lost).toBeGreaterThan(20);
    expect(alarms.length).toBeGreaterThan(dialect.window === "24h" ? 0 : lost / 2);
    expect(alarms.length).toBeLessThanOrEqual(lost);
  });
});

import type { Fill, Side } from "./fill.ts";
import { type HistorySeed, type Hour, LastDay, syntheticHour } from "./last-day.ts";
import { between } from "./random.ts";
import { larger, ONE, smaller } from "./scaled.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What open, high, low and the sums beside them cover: the last 24 hours in steps of an hour, or a calendar day. */
export type Window = "24h" | "utc-day" | "kst-day";

/** A market's figures after a trade. Prices and volumes scaled by 10^8, turnovers (price × volume) by 10^16. */
export interface Ticker {
  readonly market: string;
  /** The time its frame is stamped with, ms. */
  readonly frameAt: number;
  /** These three within the window, and the close before it. */
  readonly openingPrice: bigint;
  readonly highPrice: bigint;
  readonly lowPrice: bigint;
  readonly prevClosingPrice: bigint;
  readonly price: bigint;
  readonly side: Side;
  readonly volume: bigint;
  readonly bestAskPrice: bigint;
  readonly bestAskSize: bigint;
  readonly bestBidPrice: bigint;
  readonly bestBidSize: bigint;
  /** When the last trade happened, ms. */
  readonly timestamp: number;
  /** Its {@link Trade.ordinal}. */
  readonly lastOrdinal: number;
  /** These three within the window. */
  readonly turnover: bigint;
  readonly askVolume: bigint;
  readonly bidVolume: bigint;
  /** Over the last 24 hours, to the second. */
  readonly turnover24h: bigint;
  readonly volume24h: bigint;
  readonly trades24h: number;
  readonly highest52Weeks: bigint;
  readonly highest52WeeksDate: string;
  readonly lowest52Weeks: bigint;
  readonly lowest52WeeksDate: string;
}

interface StatisticsSeed extends HistorySeed {
  readonly market: string;
  /** ms */
  readonly now: number;
  readonly window: Window;
}

/** When and which trade is counted. */
interface TradeStamp {
  readonly timestamp: number;
  readonly frameAt: number;
  readonly ordinal: number;
}

/** The figures of the window and of the last 24 hours of one market; begins with an invented past. */
export class Statistics {
  readonly #window: Window;
  readonly #lastDay: LastDay;
  #figures: Ticker;

  constructor(seed: StatisticsSeed) {
    const { market, random, now, window, price, tick } = seed;
    this.#window = window;
    const prevClosingPrice = larger(price + tick * BigInt(between(random, -3, 3)), tick);
    const hours = Array.from({ length: 24 }, () => syntheticHour(seed));
    this.#lastDay = new LastDay(now, hours, prevClosingPrice);
    // As many as the calendar day has had; which ones does not matter, as all are invented.
    const past = window === "24h" ? hours : hours.slice(0, (Math.floor(local(window, now) / HOUR) % 24) + 1);
    this.#figures = {
      market,
      frameAt: now,
      ...this.#lastDay.prices,
      price,
      side: "BID",
      volume: ONE,
      bestAskPrice: price + tick,
      bestAskSize: ONE,
      bestBidPrice: price,
      bestBidSize: ONE,
      timestamp: now,
      lastOrdinal: 0,
      turnover: sum(past, "turnover"),
      askVolume: sum(past, "sold"),
      bidVolume: sum(past, "volume") - sum(past, "sold"),
      ...this.#sums(now),
      highest52Weeks: larger(((price * 14n) / 10n / tick) * tick, tick),
      highest52WeeksDate: dateOf(now - between(random, 20, 200) * DAY),
      lowest52Weeks: larger(((price * 6n) / 10n / tick) * tick, tick),
      lowest52WeeksDate: dateOf(now - between(random, 201, 360) * DAY),
    };
  }

  /** The figures as they stand; a new object after each trade, so a reader may keep it. */
  get ticker(): Ticker {
    return this.#figures;
  }

  /** Counts a trade, opening a new day when it is the first of one. */
  record(fill: Fill, { timestamp, frameAt, ordinal }: TradeStamp): void {
    const before = this.#figures;
    this.#lastDay.add(fill, timestamp);
    this.#figures = {
      ...before,
      ...(this.#window === "24h"
        ? this.#rolled(timestamp)
        : day(before, fill, !this.#sameDay(before.timestamp, timestamp))),
      ...this.#sums(timestamp),
      frameAt,
      price: fill.price,
      side: fill.side,
      volume: fill.volume,
      bestAskPrice: fill.bestAskPrice,
      bestAskSize: fill.bestAskSize,
      bestBidPrice: fill.bestBidPrice,
      bestBidSize: fill.bestBidSize,
      timestamp,
      lastOrdinal: ordinal,
    };
  }

  #sums(now: number) {
    const { volume, turnover, trades } = this.#lastDay.totalsAt(now);
    return { volume24h: volume, turnover24h: turnover, trades24h: trades };
  }

  #rolled(now: number) {
    const { turnover, sold, volume } = this.#lastDay.totalsAt(now);
    return { ...this.#lastDay.prices, turnover, askVolume: sold, bidVolume: volume - sold };
  }

  #sameDay(a: number, b: number): boolean {
    return Math.floor(local(this.#window, a) / DAY) === Math.floor(local(this.#window, b) / DAY);
  }
}

/** The figures of a calendar day after one more trade, which may be its first. */
function day(before: Ticker, { price, volume, side }: Fill, isFirst: boolean) {
  const sold = side === "ASK" ? volume : 0n;
  return {
    openingPrice: isFirst ? price : before.openingPrice,
    highPrice: isFirst ? price : larger(price, before.highPrice),
    lowPrice: isFirst ? price : smaller(price, before.lowPrice),
    prevClosingPrice: isFirst ? before.price : before.prevClosingPrice,
    turnover: (isFirst ? 0n : before.turnover) + price * volume,
    askVolume: (isFirst ? 0n : before.askVolume) + sold,
    bidVolume: (isFirst ? 0n : before.bidVolume) + volume - sold,
  };
}

/** The wall clock of the window's calendar, ms. */
function local(window: Window, ms: number): number {
  return window === "kst-day" ? ms + 9 * HOUR : ms;
}

function sum(hours: readonly Hour[], key: "turnover" | "volume" | "sold"): bigint {
  return hours.reduce((total, hour) => total + hour[key], 0n);
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

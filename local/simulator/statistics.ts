import type { Fill, Side } from "./market.ts";
import { between, type Random } from "./random.ts";
import { fromFloat, larger, ONE, smaller } from "./scaled.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A market's figures after a trade. Prices and volumes scaled by 10^8, turnovers (price × volume) by 10^16. */
export interface Ticker {
  readonly market: string;
  /** The time its frame is stamped with, ms. */
  readonly frameAt: number;
  readonly openingPrice: bigint;
  readonly highPrice: bigint;
  readonly lowPrice: bigint;
  readonly price: bigint;
  readonly prevClosingPrice: bigint;
  readonly side: Side;
  readonly volume: bigint;
  /** When the last trade happened, ms. */
  readonly timestamp: number;
  /** Since 00:00 UTC. */
  readonly turnover: bigint;
  readonly askVolume: bigint;
  readonly bidVolume: bigint;
  /** Over the last 24 hours, in steps of an hour. */
  readonly turnover24h: bigint;
  readonly volume24h: bigint;
  readonly highest52Weeks: bigint;
  readonly highest52WeeksDate: string;
  readonly lowest52Weeks: bigint;
  readonly lowest52WeeksDate: string;
}

interface Hour {
  volume: bigint;
  turnover: bigint;
}

interface Beginning {
  readonly market: string;
  readonly random: Random;
  readonly now: number;
  readonly price: bigint;
  readonly tick: bigint;
  readonly dailyTurnover: number;
}

/** The figures of the UTC day and of the last 24 hours of one market; begins with an invented past. */
export class DayStatistics {
  #figures: Ticker;
  #hour: number;
  /** The last 24 hours, at hour % 24. */
  readonly #hours: Hour[];

  constructor({ market, random, now, price, tick, dailyTurnover }: Beginning) {
    this.#hour = Math.floor(now / HOUR);
    this.#hours = Array.from({ length: 24 }, () => {
      const volume = fromFloat(((dailyTurnover / 24) * (0.5 + random()) * Number(ONE)) / Number(price));
      return { volume, turnover: volume * price };
    });
    const today = this.#hours.slice(0, (this.#hour % 24) + 1);
    const volume = sum(today, "volume");
    const askVolume = (volume * BigInt(between(random, 40, 60))) / 100n;
    this.#figures = {
      market,
      frameAt: now,
      openingPrice: price,
      highPrice: price + tick * BigInt(between(random, 0, 20)),
      lowPrice: larger(price - tick * BigInt(between(random, 0, 20)), tick),
      price,
      prevClosingPrice: larger(price + tick * BigInt(between(random, -3, 3)), tick),
      side: "BID",
      volume: ONE,
      timestamp: now,
      turnover: sum(today, "turnover"),
      askVolume,
      bidVolume: volume - askVolume,
      turnover24h: sum(this.#hours, "turnover"),
      volume24h: sum(this.#hours, "volume"),
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

  /** Counts a trade at `timestamp` (ms), opening a new UTC day when it is the first of one. */
  record(fill: Fill, timestamp: number, frameAt: number): void {
    const turnover = fill.price * fill.volume;
    this.#startHour(Math.floor(timestamp / HOUR));
    const hour = this.#hours[this.#hour % 24];
    if (hour) {
      hour.volume += fill.volume;
      hour.turnover += turnover;
    }
    const before = this.#figures;
    const day = sameDay(before.timestamp, timestamp) ? before : newDay(before, fill.price);
    const sold = fill.side === "ASK" ? fill.volume : 0n;
    this.#figures = {
      ...day,
      frameAt,
      highPrice: larger(fill.price, day.highPrice),
      lowPrice: smaller(fill.price, day.lowPrice),
      price: fill.price,
      side: fill.side,
      volume: fill.volume,
      timestamp,
      turnover: day.turnover + turnover,
      askVolume: day.askVolume + sold,
      bidVolume: day.bidVolume + fill.volume - sold,
      turnover24h: sum(this.#hours, "turnover"),
      volume24h: sum(this.#hours, "volume"),
    };
  }

  #startHour(hour: number): void {
    for (let next = Math.max(this.#hour + 1, hour - 23); next <= hour; next += 1) {
      this.#hours[next % 24] = { volume: 0n, turnover: 0n };
    }
    this.#hour = Math.max(this.#hour, hour);
  }
}

function newDay(before: Ticker, price: bigint): Ticker {
  const fresh = { openingPrice: price, highPrice: price, lowPrice: price, prevClosingPrice: before.price };
  return { ...before, ...fresh, turnover: 0n, askVolume: 0n, bidVolume: 0n };
}

function sameDay(a: number, b: number): boolean {
  return Math.floor(a / DAY) === Math.floor(b / DAY);
}

function sum(hours: readonly Hour[], key: keyof Hour): bigint {
  return hours.reduce((total, hour) => total + hour[key], 0n);
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

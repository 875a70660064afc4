import type { Fill } from "./fill.ts";
import { between, type Random } from "./random.ts";
import { fromFloat, larger, ONE, smaller } from "./scaled.ts";

const HOUR = 3_600_000;
const SECONDS = 3600;

/** What happened within one hour; without trades it has no prices. */
export interface Hour {
  volume: bigint;
  /** The part of the volume that takers sold. */
  sold: bigint;
  turnover: bigint;
  trades: number;
  open?: bigint;
  high: bigint;
  low: bigint;
  close: bigint;
}

/** Sums of the last 24 hours. */
export interface Totals {
  readonly volume: bigint;
  readonly sold: bigint;
  readonly turnover: bigint;
  readonly trades: number;
}

/** The last 24 hours of one market: prices in steps of an hour; sums let go of what is older evenly, a part each second. */
export class LastDay {
  /** At hour % 24. */
  readonly #hours: Hour[];
  #hour: number;
  #close: bigint;
  /** Of the hours that are kept. */
  #totals: Totals;
  /** The hour before them, of which a part is still within the 24 hours. */
  #leaving: Totals;

  /** @param now ms @param hours what is to have happened, at hour % 24 @param close the last price before them */
  constructor(now: number, hours: Hour[], close: bigint) {
    this.#hour = Math.floor(now / HOUR);
    this.#hours = hours;
    this.#close = close;
    this.#totals = hours.reduce(plus, NOTHING);
    this.#leaving = { ...(hours[this.#hour % 24] ?? NOTHING) };
  }

  /** The sums at a time (ms) that is not before the last trade. */
  totalsAt(now: number): Totals {
    const left = Math.floor(now / HOUR) > this.#hour ? 0 : SECONDS - 1 - (Math.floor(now / 1000) % SECONDS);
    return plus(this.#totals, partOf(this.#leaving, left));
  }

  /** Open, high and low of the last 24 hours, and the close before them. */
  get prices(): { openingPrice: bigint; highPrice: bigint; lowPrice: bigint; prevClosingPrice: bigint } {
    const traded: Hour[] = [];
    for (let hour = this.#hour - 23; hour <= this.#hour; hour += 1) {
      const one = this.#hours[hour % 24];
      if (one?.open !== undefined) traded.push(one);
    }
    return {
      openingPrice: traded[0]?.open ?? this.#close,
      highPrice: traded.reduce((high, hour) => larger(high, hour.high), traded[0]?.high ?? this.#close),
      lowPrice: traded.reduce((low, hour) => smaller(low, hour.low), traded[0]?.low ?? this.#close),
      prevClosingPrice: this.#close,
    };
  }

  /** Counts a trade at `timestamp` (ms); hours that are over fall out. */
  add({ price, volume, side }: Fill, timestamp: number): void {
    this.#startHour(Math.floor(timestamp / HOUR));
    const hour = this.#hours[this.#hour % 24];
    if (!hour) return;
    const one = { volume, sold: side === "ASK" ? volume : 0n, turnover: price * volume, trades: 1 };
    const first = hour.open === undefined;
    Object.assign(hour, plus(hour, one), {
      open: hour.open ?? price,
      high: first ? price : larger(price, hour.high),
      low: first ? price : smaller(price, hour.low),
      close: price,
    });
    this.#totals = plus(this.#totals, one);
  }

  #startHour(hour: number): void {
    for (let next = Math.max(this.#hour + 1, hour - 23); next <= hour; next += 1) {
      const over = this.#hours[next % 24];
      if (over?.open !== undefined) this.#close = over.close;
      if (over) this.#totals = minus(this.#totals, over);
      this.#leaving = over ? { ...over } : NOTHING;
      this.#hours[next % 24] = { volume: 0n, sold: 0n, turnover: 0n, trades: 0, high: 0n, low: 0n, close: 0n };
    }
    this.#hour = Math.max(this.#hour, hour);
  }
}

/** What to invent a market's past from. */
export interface HistorySeed {
  readonly random: Random;
  readonly price: bigint;
  readonly tick: bigint;
  readonly tradesADay: number;
  /** In the quote currency. */
  readonly typicalTrade: number;
}

/** An hour that never was. */
export function syntheticHour({ random, price, tick, tradesADay, typicalTrade }: HistorySeed): Hour {
  const trades = Math.max(1, Math.round((tradesADay / 24) * (0.5 + random())));
  const volume = fromFloat((trades * typicalTrade * Number(ONE)) / Number(price));
  return {
    volume,
    sold: (volume * BigInt(between(random, 40, 60))) / 100n,
    turnover: volume * price,
    trades,
    open: price,
    high: price + tick * BigInt(between(random, 0, 20)),
    low: larger(price - tick * BigInt(between(random, 0, 20)), tick),
    close: price,
  };
}

const NOTHING: Totals = { volume: 0n, sold: 0n, turnover: 0n, trades: 0 };

/** @param seconds of the whole hour */
function partOf({ volume, sold, turnover, trades }: Totals, seconds: number): Totals {
  const part = (sum: bigint) => (sum * BigInt(seconds)) / BigInt(SECONDS);
  return {
    volume: part(volume),
    sold: part(sold),
    turnover: part(turnover),
    trades: Math.round((trades * seconds) / SECONDS),
  };
}

function plus(a: Totals, b: Totals): Totals {
  return {
    volume: a.volume + b.volume,
    sold: a.sold + b.sold,
    turnover: a.turnover + b.turnover,
    trades: a.trades + b.trades,
  };
}

function minus(a: Totals, { volume, sold, turnover, trades }: Totals): Totals {
  return plus(a, { volume: -volume, sold: -sold, turnover: -turnover, trades: -trades });
}

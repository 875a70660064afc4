/**
 * The volume of an instrument by its tickers, against that of the trades that came: their difference stays the same
 * while none is missing, falls when a day begins or a rolling window lets trades go, and rises only when one is missing.
 *
 * A ticker carries the time of its last trade, and not the order of trades close to that: recorded frames are swapped by
 * up to a quarter of a second. So the difference counts only as far as that order can't matter.
 */

import type { Decimal } from "../../../protocol/decimal.ts";
import { REORDER_WINDOW } from "../../event-time.ts";

/** A ticker, when its last trade was executed (ms), and what was traded up to then. */
export interface TickerVolume {
  readonly time: number;
  readonly volume: bigint;
}

interface Fill {
  /** ms */
  readonly time: number;
  readonly size: bigint;
}

/** Times (ms) between which trades came in another order than that of their times. */
interface Disorder {
  readonly from: number;
  readonly to: number;
}

/** For how long trades are remembered one by one, ms: tickers that are older than that say nothing. */
const MEMORY = 10_000;
/** A difference that so many tickers show, over twice {@link REORDER_WINDOW}, is no matter of order. */
const ENOUGH = 3;
/** Digits behind the point that are counted. */
const DIGITS = 12;
/** Figures have 8 digits behind the point, and some exchanges' sums pass through a double: what is less is rounding. */
const ROUNDING = 20_000n;
const DOUBLE_BITS = 44n;

export class VolumeLedger {
  #fills: Fill[] = [];
  /** Of the first of them, by their number; of another length as long as they are not sorted. */
  #sums: bigint[] = [];
  #disorders: Disorder[] = [];
  /** The sum of those that are no longer remembered, and when (ms) the last of them was. */
  #base = 0n;
  #baseUpTo = Number.NEGATIVE_INFINITY;
  /** Of the newest trade, ms. */
  #newest: number | undefined;
  /** From when (ms) every trade should have come. */
  #from: number | undefined;
  /** The difference is no more than this, unless trades are missing. */
  #bound: bigint | undefined;
  /** Up to when (ms) nothing is missing. */
  #wholeUntil = 0;
  /** A difference that tickers have shown one after the other. */
  #run: { readonly value: bigint; readonly since: number; count: number } | undefined;
  #lastTicker = Number.NEGATIVE_INFINITY;

  /** Counts a trade. */
  add(time: number, size: bigint): void {
    this.#fills.push({ time, size });
    if (this.#newest !== undefined && time < this.#newest) this.#disorders.push({ from: time, to: this.#newest });
    this.see(time);
  }

  /** A trade that is counted already, or was before we came. */
  see(time: number): void {
    this.#from ??= time;
    this.#newest = Math.max(this.#newest ?? time, time);
  }

  /**
   * Whether the trade of a ticker's time (ms) has come: some trade close to it, for two frames may differ in
   * how they round.
   *
   * @returns since when (ms) none has; undefined where one has, or it is unknown
   */
  unseenSince(time: number): number | undefined {
    const watchedFrom = Math.max(this.#from ?? Number.POSITIVE_INFINITY, this.#baseUpTo);
    if (time - REORDER_WINDOW <= watchedFrom) return undefined;
    const before = this.#countBefore(time - REORDER_WINDOW);
    if (this.#countBefore(time + REORDER_WINDOW + 1) > before) return undefined;
    return this.#fills[before - 1]?.time ?? watchedFrom;
  }

  /** Counts a trade whose time can't be relied on, and begins anew: nobody knows which tickers have it. */
  addUntimed(size: bigint): void {
    this.#base += size;
    this.reset();
  }

  /** Forgets the difference so far. */
  reset(): void {
    this.#bound = undefined;
    this.#run = undefined;
  }

  /**
   * Compares, once all trades of up to a ticker's time have come.
   *
   * @param covered whether trades up to the ticker's time are being fetched anyway
   * @returns since when (ms) trades are certainly missing; undefined where none are
   */
  compare({ time, volume }: TickerVolume, covered: boolean): number | undefined {
    if (time < this.#lastTicker || time - REORDER_WINDOW <= this.#baseUpTo) return undefined;
    this.#lastTicker = time;
    const { min, exact, max, order } = this.#differences(time, volume);
    if (covered || this.#bound === undefined) {
      this.#accept(order === "certain" ? exact : max, time);
      return undefined;
    }
    const slack = ROUNDING + (volume >> DOUBLE_BITS);
    const certain = order === "certain" || (order === "likely" && this.#isRepeated(exact, time, slack));
    const difference = certain ? exact : min;
    if (difference > this.#bound + slack) {
      const since = this.#wholeUntil;
      this.#accept(certain ? exact : max, time);
      return since;
    }
    if (certain) this.#accept(exact, time);
    else if (max < this.#bound) this.#bound = max;
    return undefined;
  }

  /** Forgets trades that no ticker will be compared with. */
  prune(): void {
    const old = this.#countBefore((this.#newest ?? 0) - MEMORY);
    if (old === 0) return;
    this.#base += this.#sums[old] ?? 0n;
    this.#baseUpTo = Math.max(this.#baseUpTo, this.#fills[old - 1]?.time ?? 0);
    this.#fills = this.#fills.slice(old);
    this.#disorders = this.#disorders.filter(({ to }) => to > this.#baseUpTo);
    this.#sums = [];
  }

  #accept(difference: bigint, time: number): void {
    this.#bound = difference;
    this.#wholeUntil = time;
  }

  /** The difference with every trade that the ticker may have, with those up to its time, and with those it must have. */
  #differences(time: number, volume: bigint) {
    const [from, at, after, to] = [time - REORDER_WINDOW, time, time + 1, time + REORDER_WINDOW + 1].map((ms) =>
      this.#countBefore(ms),
    );
    const difference = (count = 0) => volume - this.#base - (this.#sums[count] ?? 0n);
    const atOnce = (after ?? 0) - (at ?? 0);
    const near = (to ?? 0) - (from ?? 0);
    // Of several trades of the same millisecond the ticker may have any; of those that came in another order than that of
    // their times it may have a later one and lack an earlier one.
    const unordered = atOnce > 1 || this.#disorders.some((one) => one.from <= time && time <= one.to);
    const order = unordered ? "unknown" : near === atOnce ? "certain" : "likely";
    return { min: difference(to), exact: difference(after), max: difference(from), order } as const;
  }

  /** Of the trades that are remembered, how many were executed before a time (ms). */
  #countBefore(time: number): number {
    this.#sort();
    let [low, high] = [0, this.#fills.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#fills[middle]?.time ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sort(): void {
    if (this.#sums.length === this.#fills.length + 1) return;
    this.#fills.sort((a, b) => a.time - b.time);
    let sum = 0n;
    this.#sums = [sum];
    for (const { size } of this.#fills) {
      sum += size;
      this.#sums.push(sum);
    }
  }

  #isRepeated(value: bigint, time: number, slack: bigint): boolean {
    const run = this.#run;
    const distance = run === undefined ? 0n : value - run.value;
    if (run === undefined || distance > slack || distance < -slack) {
      this.#run = { value, since: time, count: 1 };
      return false;
    }
    run.count += 1;
    return run.count >= ENOUGH && time - run.since >= 2 * REORDER_WINDOW;
  }
}

/** An amount in the units that are counted. */
export function volumeUnits(amount: Decimal): bigint {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.slice(0, DIGITS).padEnd(DIGITS, "0"));
}

import { plain, SCALE } from "../scaled.ts";

/** A number × 10^scale as Korbit spells it: never with an exponent, without trailing zeros (`115370000`, `0.0067`). */
export function decimal(value: bigint, scale: number = SCALE): string {
  const text = plain(value, scale);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A turnover (price × volume, × 10^16), cut to the five fraction digits Korbit gives it. */
export function turnover(value: bigint): string {
  return decimal(value / 10n ** BigInt(2 * SCALE - 5), 5);
}

/** A change in percent of `of`, rounded to two fraction digits, half away from zero. */
export function percent(change: bigint, of: bigint): string {
  if (of === 0n) return "0";
  const size = change < 0n ? -change : change;
  const rounded = (size * 20_000n + of) / (of * 2n);
  return decimal(change < 0n ? -rounded : rounded, 2);
}

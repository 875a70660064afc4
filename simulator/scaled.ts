/** Digits after the point of every price and volume: the finest step any exchange we stand in for uses. */
export const SCALE = 8;

/** 1 as a scaled number. */
export const ONE = 10n ** BigInt(SCALE);

/**
 * Reads a plain decimal ("0.00012", "122720000") as a whole number of 10^-8, so that no sum or product is ever a float.
 * @throws {RangeError} when the text is not a non-negative decimal of at most 8 fraction digits
 */
export function scaled(text: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,8}))?$/.exec(text);
  if (!match)
    throw new RangeError(`"${text}" is not a plain decimal of at most ${SCALE} fraction digits, such as "0.0123"`);
  return BigInt((match[1] ?? "") + (match[2] ?? "").padEnd(SCALE, "0"));
}

/** Writes `value` × 10^-scale as a plain decimal with exactly `scale` fraction digits. */
export function plain(value: bigint, scale: number = SCALE): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return value < 0n ? `-${text}` : text;
}

/** Scales a float down to a whole number of 10^-8; only for made-up sizes, never for values that are read back. */
export function fromFloat(value: number): bigint {
  return BigInt(Math.max(1, Math.round(value * Number(ONE))));
}

/** The larger of two; Math.max takes no bigint. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The smaller of two; Math.min takes no bigint. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

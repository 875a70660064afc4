import { plain, SCALE } from "../scaled.ts";

/**
 * Upbit prints Java numbers as they come: a BigDecimal keeps its trailing zeros and turns scientific below 10^-6
 * (`122720000.00000000`, `0E-8`, `6E-8`), a Double turns scientific from 10^7 (`1.16539E8`).
 * All three spellings occur in recorded frames, so all three are served.
 */

/** As a BigDecimal of the given scale: `123.00000000`, `0E-8`. `value` is scaled by 10^scale. */
export function bigDecimal(value: bigint, scale: number = SCALE): string {
  const digits = (value < 0n ? -value : value).toString();
  const exponent = digits.length - 1 - scale;
  if (exponent >= -6) return plain(value, scale);
  const sign = value < 0n ? "-" : "";
  return `${sign}${mantissa(digits)}E${exponent}`;
}

/** As a BigDecimal without trailing zeros, but at least `minDigits` fraction digits: `0.00011188`, `127.0`, `6E-8`. */
export function trimmed(value: bigint, minDigits = 0, scale: number = SCALE): string {
  let [rest, digits] = [value, scale];
  while (digits > minDigits && rest % 10n === 0n) {
    rest /= 10n;
    digits -= 1;
  }
  return bigDecimal(rest, digits);
}

/** As a Double: `127.0`, `1.16539E8`, `1.13E-6`. */
export function double(value: bigint): string {
  const size = value < 0n ? -value : value;
  if (size === 0n || (size >= 100_000n && size < 10n ** 15n)) return plainTrimmed(value);
  const digits = size.toString();
  const text = mantissa(digits.replace(/0+$/, ""));
  return `${value < 0n ? "-" : ""}${text.includes(".") ? text : `${text}.0`}E${digits.length - 1 - SCALE}`;
}

/** A ratio to 10 digits, rounded half up; plain `0` when nothing changed, as Upbit sends it. */
export function ratio(change: bigint, of: bigint): string {
  if (change === 0n || of === 0n) return "0";
  const size = ((change < 0n ? -change : change) * 10n ** 10n * 2n + of) / (of * 2n);
  return trimmed(change < 0n ? -size : size, 0, 10);
}

function mantissa(digits: string): string {
  return digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
}

function plainTrimmed(value: bigint): string {
  return plain(value).replace(/(\.\d+?)0+$/, "$1");
}

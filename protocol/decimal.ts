/**
 * Exact decimals as text. Prices and sizes never pass through a float: a JSON number such as `9.1E-7` or a size with
 * twenty digits keeps every digit it was sent with.
 */

/** A number in plain notation: no exponent, no `+`, no leading or trailing zeros that say nothing, never `-0`. */
export type Decimal = string;

/** What {@link toDecimal} accepts: the JSON number grammar. */
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
const CANONICAL = /^(?:0|-?(?:[1-9]\d*|0(?=\.))(?:\.\d*[1-9])?)$/;

/** Thrown for text that is not a number; names the text. */
export class DecimalError extends Error {
  override readonly name = "DecimalError";
}

/** Whether `text` is already in canonical spelling. */
export function isDecimal(text: string): text is Decimal {
  return CANONICAL.test(text);
}

/**
 * The canonical spelling of a JSON number, digit for digit.
 *
 * @example toDecimal("1.16539E8") // "116539000"
 * @example toDecimal("0E-8") // "0"
 * @throws {DecimalError} when `text` is not a JSON number
 */
export function toDecimal(text: string): Decimal {
  if (CANONICAL.test(text)) return text;
  const [, sign, whole, fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined || whole === undefined)
    throw new DecimalError(`"${text.slice(0, 40)}" is not a decimal number`);
  return place(sign, whole + fraction, whole.length + Number(exponent));
}

/** `value` × 10^`places`, exactly: a ratio becomes a percentage with `places` 2. */
export function shiftDecimal(value: Decimal, places: number): Decimal {
  const sign = value.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = value.slice(sign.length).split(".");
  return place(sign, whole + fraction, whole.length + places);
}

/** `a` − `b`, exactly. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(fractionDigits(a), fractionDigits(b));
  const digits = (scaled(a, scale) - scaled(b, scale)).toString();
  const sign = digits.startsWith("-") ? "-" : "";
  const magnitude = digits.slice(sign.length).padStart(scale + 1, "0");
  return place(sign, magnitude, magnitude.length - scale);
}

/** Below 0, 0 or above 0, as `a` is less than, equal to or more than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(fractionDigits(a), fractionDigits(b));
  const difference = scaled(a, scale) - scaled(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function fractionDigits(value: Decimal): number {
  const point = value.indexOf(".");
  return point < 0 ? 0 : value.length - point - 1;
}

function scaled(value: Decimal, scale: number): bigint {
  return BigInt(value.replace(".", "") + "0".repeat(scale - fractionDigits(value)));
}

/** Puts the decimal point after the first `wholeDigits` of `digits` (which may lie outside them) and trims. */
function place(sign: string, digits: string, wholeDigits: number): Decimal {
  const padded = wholeDigits <= 0 ? "0".repeat(1 - wholeDigits) + digits : digits.padEnd(wholeDigits, "0");
  const point = Math.max(wholeDigits, 1);
  const whole = padded.slice(0, point).replace(/^0+(?=\d)/, "");
  const fraction = padded.slice(point).replace(/0+$/, "");
  const magnitude = fraction === "" ? whole : `${whole}.${fraction}`;
  return magnitude === "0" ? "0" : sign + magnitude;
}

import { plain, SCALE } from "../scaled.ts";

const HOUR = 3_600_000;

/** A number as Bithumb spells it, without trailing zeros and never scientific: `95539000`, `0.00022664`. */
export function number(value: bigint, scale: number = SCALE): string {
  return plain(value, scale).replace(/\.?0+$/, "");
}

/** A ratio to 8 digits, rounded half up, with the sign of `change`. */
export function ratio(change: bigint, of: bigint): string {
  if (of === 0n) return "0";
  const size = ((change < 0n ? -change : change) * 10n ** 8n * 2n + of) / (of * 2n);
  return number(change < 0n ? -size : size, 8);
}

/** Date and time of the wall clock in Korea, `2026-07-10` and `13:39:41`; Bithumb names no offset with them. */
export function korean(ms: number): { date: string; time: string } {
  const text = new Date(ms + 9 * HOUR).toISOString();
  return { date: text.slice(0, 10), time: text.slice(11, 19) };
}

/** The WebSocket's id of a trade: 18 digits, of another scheme than the engine's 17, which REST serves. */
export function socketId(id: bigint): bigint {
  return id * 50n + 17n;
}

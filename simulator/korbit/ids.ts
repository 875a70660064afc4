import type { Trade } from "../trade.ts";

/** The engine's ids are ms × 10^4 + a counter, too many digits for a JSON number; counted from 2020 they stay below 2^53 until 2048. */
const FIRST_ID = BigInt(Date.UTC(2020, 0, 1)) * 10_000n;

/**
 * A trade's number within its market: it rises with holes between, as Korbit's does. It follows from the engine's id,
 * which begins at the ms the engine opened, so a restarted simulator repeats none.
 * @throws {RangeError} when the engine's clock is outside 2020 … 2048
 */
export function tradeId({ id, market }: Trade): number {
  const number = Number(id - FIRST_ID);
  if (number > 0 && Number.isSafeInteger(number)) return number;
  throw new RangeError(`${market}: no number for trade ${id}; the simulator's clock must be within 2020 … 2048`);
}

/** What the frames of Upbit's protocol have in common: two keys for each field, and the type of the stream. */

import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";

export type StreamType = "SNAPSHOT" | "REALTIME";

/** One field: its long key, its short key, its value as JSON text. */
export type Field = readonly [long: string, short: string, text: string];

/** An exchange's own fields, their order and the spelling of its numbers. @param F its formats */
export interface FrameWriter<F> {
  /** The text of a trade frame. */
  trade(trade: Trade, format: F, stream: StreamType): string;
  /** The text of a ticker frame. */
  ticker(ticker: Ticker, format: F, stream: StreamType, delisted?: boolean): string;
}

/** The fields as a JSON object. */
export function writeFields(fields: readonly Field[], keys: "long" | "short"): string {
  const key = keys === "short" ? 1 : 0;
  let text = "";
  for (const field of fields) text += `${text && ","}"${field[key]}":${field[2]}`;
  return `{${text}}`;
}

/** The value of `change`, as JSON text. */
export function direction(change: bigint): string {
  if (change === 0n) return `"EVEN"`;
  return change > 0n ? `"RISE"` : `"FALL"`;
}

/** Math.abs takes no bigint. */
export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

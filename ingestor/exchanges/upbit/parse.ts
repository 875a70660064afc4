/** Upbit's frames, https://docs.upbit.com: `ticker` and `trade` in all four formats (long or short keys, alone or in a list). */

import { FrameError, type Parsed } from "../exchange.ts";
import { isFields, readJson, readList } from "../frames.ts";
import { quoteFirst } from "../upbit-protocol/fields.ts";
import { objectParser } from "../upbit-protocol/parse.ts";

export const code = quoteFirst("upbit");

const parseFields = objectParser({
  code,
  window: "utc-day",
  ignores: (type, { method }) => {
    if (type === undefined) return method === "LIST_SUBSCRIPTIONS";
    return type === "orderbook" || (typeof type === "string" && type.startsWith("candle."));
  },
});

/** @throws {FrameError} naming the field that is wrong, with the sound events of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!Array.isArray(frame)) return parseObject(frame, received);
  return readList(frame, "", (item) => parseObject(item, received));
}

function parseObject(frame: unknown, received: number | null): Parsed {
  if (!isFields(frame)) throw new FrameError("a frame must be an object or a list of objects");
  return parseFields(frame, received);
}

/**
 * Bithumb's frames, https://apidocs.bithumb.com, "WebSocket". Those of the present generation (since September 2024) look like
 * Upbit's, and mean another day: theirs begins at midnight in Korea, and so do their date and time strings, which say no offset.
 */

import { FrameError, type Parsed } from "../exchange.ts";
import { isFields, readJson } from "../frames.ts";
import { objectParser } from "../upbit-protocol/parse.ts";
import { quoteFirst } from "./fields.ts";
import { parseLegacy } from "./legacy.ts";

const parseCurrent = objectParser({ code: quoteFirst, window: "kst-day", ignores: (type) => type === "orderbook" });

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!isFields(frame)) throw new FrameError("a frame must be an object");
  // Only the older generation has an envelope: what it tells stands in `content`, what it answers in `resmsg`.
  const legacy = "content" in frame || "resmsg" in frame || frame["type"] === "transaction";
  return legacy ? parseLegacy(frame, received) : parseCurrent(frame, received);
}

/** Bithumb's frames, https://apidocs.bithumb.com, "WebSocket": which generation a frame is of, and of what kind. */

import { FrameError, type Parsed } from "../exchange.ts";
import { isFields, readJson } from "../frames.ts";
import { parseCurrent } from "./current.ts";
import { parseLegacy } from "./legacy.ts";

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!isFields(frame)) throw new FrameError("a frame must be an object");
  // Only the older generation has an envelope: what it tells stands in `content`, what it answers in `resmsg`.
  const legacy = "content" in frame || "resmsg" in frame || frame["type"] === "transaction";
  return legacy ? parseLegacy(frame, received) : parseCurrent(frame, received);
}

/** Bithumb's frames, https://apidocs.bithumb.com, "WebSocket": which generation a frame is of, and of what kind. */

import { parseExactJson } from "../exact-json.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { parseCurrent } from "./current.ts";
import { isFrame } from "./fields.ts";
import { parseLegacy } from "./legacy.ts";

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!isFrame(frame)) throw new FrameError("a frame must be an object");
  // Only the older generation has an envelope: what it tells stands in `content`, what it answers in `resmsg`.
  const legacy = "content" in frame || "resmsg" in frame || frame["type"] === "transaction";
  return legacy ? parseLegacy(frame, received) : parseCurrent(frame, received);
}

function readJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`not JSON: ${error.message}`);
  }
}

/** Recorded frames to normalised events, without the reading and writing. */

import { z } from "zod";
import { shiftDecimal, toDecimal } from "../../protocol/decimal.ts";
import { parseExactJson } from "../exchanges/exact-json.ts";
import { FrameError, type Parse, type ParsedEvent } from "../exchanges/exchange.ts";

/** In seconds this is the year 5138; as milliseconds since 1970 it is 1973. */
const NO_SECONDS = 1e11;

/** One recorded frame; `recv` is in seconds since 1970, and null (or left out) where the recording does not say. */
const recorded = z.object({
  recv: z
    .string()
    .regex(/^\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "seconds since 1970, or null")
    .refine((seconds) => Number(seconds) < NO_SECONDS, "seconds since 1970, and these look like milliseconds")
    .nullish(),
  frame: z.string("the frame's text"),
});

/** What a line gave, and what is to be said of it. */
export interface Normalized {
  readonly events: readonly ParsedEvent[];
  /** Why the line or its frame is bad. */
  readonly bad?: string;
  /** Something to know of a sound line. */
  readonly note?: string;
}

/** Normalises one line of a recording (JSONL `{"recv","frame"}`). Blank lines give nothing. */
export function normalizeLine(line: string, parse: Parse): Normalized {
  if (line.trim() === "") return { events: [] };
  try {
    const { recv, frame } = readLine(line);
    const parsed = parse(frame, recv == null ? null : wholeMilliseconds(recv));
    if (parsed.kind === "events") return { events: parsed.events };
    // A frame that says no to a subscription was recorded well: nothing is wrong with the recording.
    return parsed.kind === "refused" ? { events: [], note: `the exchange refused: ${parsed.message}` } : { events: [] };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return { events: error.events, bad: error.message };
  }
}

function readLine(line: string): z.infer<typeof recorded> {
  const { success, data, error } = recorded.safeParse(jsonOf(line));
  if (success) return data;
  throw new FrameError(error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; "));
}

function jsonOf(line: string): unknown {
  try {
    return parseExactJson(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`the line is not JSON: ${error.message}`);
  }
}

/** Rounded down on the digits: as a float, 1618678263.0109999999 is already 1618678263.011. */
function wholeMilliseconds(seconds: string): number {
  const [whole] = shiftDecimal(toDecimal(seconds), 3).split(".");
  return Number(whole);
}

/** A line of a recording: `{"recv","frame"}`, and more where it was taken from the raw log. */

import { z } from "zod";
import { shiftDecimal, toDecimal } from "../../protocol/decimal.ts";
import { parseExactJson } from "../exchanges/exact-json.ts";

/** In seconds this is the year 5138; as milliseconds since 1970 it is 1973. */
const NO_SECONDS = 1e11;

/** `recv` is in seconds since 1970, and null (or left out) where the recording does not say. */
const recorded = z.object({
  recv: z
    .string("seconds since 1970, or null")
    .regex(/^\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "seconds since 1970, or null")
    .refine((seconds) => Number(seconds) < NO_SECONDS, "seconds since 1970, and these look like milliseconds")
    .nullish(),
  frame: z.string("the frame's text"),
  kind: z.string("frame or rest").optional(),
  instrument: z.string("such as upbit:BTC-KRW").optional(),
  connection: z.string("a name").optional(),
});

export interface RecordedLine extends Omit<z.infer<typeof recorded>, "recv"> {
  /** When it came, ms; null where the recording does not say. */
  readonly received: number | null;
}

/** Thrown for a line that is no recorded frame; says why. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/**
 * @returns undefined for a blank line
 * @throws {LineError}
 */
export function readLine(line: string): RecordedLine | undefined {
  if (line.trim() === "") return undefined;
  const { success, data, error } = recorded.safeParse(exactJsonOf(line));
  if (!success) throw new LineError(error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; "));
  const { recv, ...rest } = data;
  return { ...rest, received: recv == null ? null : wholeMilliseconds(recv) };
}

function exactJsonOf(line: string): unknown {
  try {
    return parseExactJson(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LineError(`the line is not JSON: ${error.message}`);
  }
}

/** Rounded down on the digits: as a float, 1618678263.0109999999 is already 1618678263.011. */
function wholeMilliseconds(seconds: string): number {
  const [whole] = shiftDecimal(toDecimal(seconds), 3).split(".");
  return Number(whole);
}

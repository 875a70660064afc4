/** A line of a recording: `{"recv","frame"}`, and for the body of an answer `"kind":"rest"` and the instrument. */

import { z } from "zod";
import { shiftDecimal, toDecimal } from "../../protocol/decimal.ts";
import { parseExactJson } from "../exchanges/exact-json.ts";
import type { RawRecord } from "./raw-record.ts";

const recorded = z
  .object({
    recv: z
      .string("seconds since 1970, or null")
      .regex(/^\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/, "seconds since 1970, or null")
      .nullish(),
    frame: z.string("the frame's text"),
    kind: z.string("frame or rest").optional(),
    instrument: z.string("such as upbit:BTC-KRW").optional(),
    connection: z.string("a name").optional(),
  })
  .refine(({ kind, instrument }) => kind !== "rest" || instrument !== undefined, {
    path: ["instrument"],
    error: "needed with kind rest, such as upbit:BTC-KRW",
  });

/** Thrown for a line that is no recorded frame; says why. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/**
 * @param number of the line, from 1
 * @returns undefined for a blank line
 * @throws {LineError}
 */
export function readLine(line: string, number: number): RawRecord | undefined {
  if (line.trim() === "") return undefined;
  const { success, data, error } = recorded.safeParse(jsonOf(line));
  if (!success) throw new LineError(error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; "));
  const { recv, frame, kind, instrument, connection = null } = data;
  const received = recv == null ? null : wholeMilliseconds(recv);
  const record = { text: frame, received, connection, logged: received ?? 0, where: `line ${number}` };
  return kind === "rest" && instrument !== undefined ? { ...record, instrument } : record;
}

function jsonOf(line: string): unknown {
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

/** Recorded frames to normalised events, without the reading and writing. */

import { FrameError, type Parse, type ParsedEvent } from "../exchanges/exchange.ts";
import { LineError, readLine } from "./recorded-line.ts";

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
  try {
    const recorded = readLine(line);
    if (recorded === undefined) return { events: [] };
    const parsed = parse(recorded.frame, recorded.received);
    if (parsed.kind === "events") return { events: parsed.events };
    // A frame that says no to a subscription was recorded well: nothing is wrong with the recording.
    return parsed.kind === "refused" ? { events: [], note: `the exchange refused: ${parsed.message}` } : { events: [] };
  } catch (error) {
    if (error instanceof LineError) return { events: [], bad: error.message };
    if (!(error instanceof FrameError)) throw error;
    return { events: error.events, bad: error.message };
  }
}

/** Raw records to events, with the present parsers. */

import { type Exchange, FrameError, type Parse, type ParsedEvent } from "../exchanges/exchange.ts";
import type { RawRecord } from "./raw-record.ts";

/** What a record gave. */
export interface ReadAgain {
  readonly events: readonly ParsedEvent[];
  /** Why it could not be read, or not all of it. */
  readonly bad?: string;
}

/** Trades of the trade history are late, as the collector logs them. */
export function readAgain(
  { text, received, instrument, omission }: RawRecord,
  parse: Parse,
  history: Pick<Exchange["history"], "read">,
): ReadAgain {
  if (omission !== undefined) return { events: [], bad: omission };
  try {
    if (instrument !== undefined) {
      return { events: history.read(text, instrument).map((trade) => ({ ...trade, received, late: true })) };
    }
    const parsed = parse(text, received);
    return { events: parsed.kind === "events" ? parsed.events : [] };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    // The sound events of a list are logged; an answer is asked for again.
    return { events: instrument === undefined ? error.events : [], bad: error.message };
  }
}

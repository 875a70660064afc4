/** A resume: what has come of some trade streams since a position, page by page, as a relay passes it on to one client. */

import type { LoggedEvent } from "../../protocol/ingest.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import { patternsOf } from "../../protocol/pattern.ts";
import { encodeLine } from "../../protocol/relay-frames.ts";
import { RATES, type Rate, stream } from "../../protocol/stream.ts";
import { FeedEvent } from "../streams/item.ts";
import { chainItems, RECOVERED_TRADES } from "../streams/log-stream.ts";
import { streamKey } from "../streams/stream-key.ts";
import type { LineContext } from "./relay-streams.ts";

export class Replay {
  readonly epoch: string;
  readonly #names: ReadonlySet<string>;
  readonly #from: number;
  /** The last event of each instrument that was sent again: what comes on the next page continues it. */
  readonly #last = new Map<string, number>();

  /**
   * @param names of the streams and wildcards asked for, canonical
   * @param from everything up to there is known: the first item of a stream continues it
   */
  constructor(epoch: string, names: readonly string[], from: number) {
    this.epoch = epoch;
    this.#names = new Set(names);
    this.#from = from;
  }

  /** The lines of the next events of the partition, in order; tickers among them are passed over. */
  page(events: readonly LoggedEvent[], context: LineContext): string[] {
    return [...byInstrument(events, this.#from)].flatMap(([instrument, missed]) => {
      const from = this.#last.get(instrument) ?? this.#from;
      this.#last.set(instrument, missed.at(-1)?.seq ?? from);
      return this.#ratesOf(instrument).flatMap((rate) => {
        const own = { ...context, epoch: this.epoch, instrument };
        return chainItems(streamKey("trade", rate), rate, missed, from, own, RECOVERED_TRADES).map(encodeLine);
      });
    });
  }

  /** The rates at which an instrument's trades are asked for. */
  #ratesOf(instrument: string): Rate[] {
    const parsed = parseInstrument(instrument);
    return RATES.filter((rate) => patternsOf(stream(parsed, "trade", rate)).some((name) => this.#names.has(name)));
  }
}

function byInstrument(events: readonly LoggedEvent[], from: number): Map<string, FeedEvent[]> {
  const found = new Map<string, FeedEvent[]>();
  for (const logged of events) {
    if (logged.event.type === "ticker" || logged.seq <= from) continue;
    const known = found.get(logged.event.instrument);
    if (known === undefined) found.set(logged.event.instrument, [new FeedEvent(logged)]);
    else known.push(new FeedEvent(logged));
  }
  return found;
}

/** The newest ticker of each instrument of a partition: what lists are made of. */

import { type TickerEvent, tickerOf } from "../../protocol/events.ts";
import type { LatestTicker } from "../../protocol/ingest.ts";
import type { Position } from "../../protocol/position.ts";
import type { LogRecord } from "../log/log.ts";

interface Newest {
  readonly epoch: string;
  readonly record: LogRecord;
}

/** Of instruments that it does not name there is no ticker after `from`. */
export interface TickersAfter {
  readonly from: number;
  readonly tickers: readonly LatestTicker[];
}

export class NewestTickers {
  readonly #newest = new Map<string, Newest>();
  #epoch = "";
  #from = 0;

  /** Every ticker of this epoch after this position will be taken in; earlier ones are as new as is known. */
  begin(epoch: string, position: number): void {
    this.#epoch = epoch;
    this.#from = position;
  }

  /** A ticker record of the log. */
  take(record: LogRecord): void {
    this.#newest.set(record.key, { epoch: this.#epoch, record });
  }

  has(instrument: string): boolean {
    return this.#newest.has(instrument);
  }

  /** An instrument that is no longer collected: its last ticker will not be the newest for long. */
  forget(instrument: string): void {
    this.#newest.delete(instrument);
  }

  /** What somebody lacks who has everything up to a position; all there is for whoever has nothing that helps. */
  after(position: Position | null, source: LatestTicker["source"]): TickersAfter {
    const continues = position !== null && position.epoch === this.#epoch && position.seq >= this.#from;
    const from = continues ? position.seq : this.#from;
    const wanted = [...this.#newest.values()].filter(
      ({ epoch, record }) => !continues || (epoch === this.#epoch && record.offset > from),
    );
    return { from, tickers: wanted.map((newest) => latestTicker(newest, source)) };
  }
}

function latestTicker({ epoch, record }: Newest, source: LatestTicker["source"]): LatestTicker {
  const event = JSON.parse(record.value) as TickerEvent;
  const t = { exchange: event.time, received: event.received, logged: record.logged };
  return { instrument: event.instrument, epoch, seq: record.offset, source, ticker: tickerOf(event), t };
}

/** Compares raw records, read again, with the records of the log; whatever is ahead waits for the other side. */

import { marketEvent } from "../../../protocol/events.ts";
import { parseJson } from "../../../protocol/json.ts";
import type { Exchange, Parse } from "../../exchanges/exchange.ts";
import type { LogRecord } from "../../log/log.ts";
import { type RawRecord, readAgain } from "../raw/raw-record.ts";
import { AnnouncedGaps } from "./announced-gaps.ts";
import { Differences } from "./differences.ts";
import { TickerComparison } from "./ticker-comparison.ts";
import { TradeComparison } from "./trade-comparison.ts";
import { UnreadableRecords } from "./unreadable.ts";
import type { Window } from "./window.ts";

/** What was received so long, ms, before the window or after it is read too: it may be the other side of what is in it. */
export const MARGIN = 60_000;
/** Between two looks at what has waited long enough, ms of log time. */
const SETTLE_EVERY = 5000;

export class Comparison {
  readonly window: Window;
  readonly differences = new Differences();
  readonly unreadable = new UnreadableRecords();
  readonly trades: TradeComparison;
  readonly tickers: TickerComparison;
  /** Raw records received in the window. */
  readonly counts = { frames: 0, bodies: 0 };
  readonly #asked: { readonly from: number; readonly to: number };
  readonly #gaps = new AnnouncedGaps();
  readonly #parse: Parse;
  readonly #history: Exchange["history"];
  #settled = Number.NEGATIVE_INFINITY;

  constructor(window: Window, parse: Parse, history: Exchange["history"]) {
    this.window = window;
    this.#asked = { from: window.from - MARGIN, to: window.to + MARGIN };
    this.#parse = parse;
    this.#history = history;
    const options = { window, differences: this.differences, gaps: this.#gaps };
    this.trades = new TradeComparison({ ...options, sameIds: history.sameIds });
    this.tickers = new TickerComparison(options);
  }

  get isEqual(): boolean {
    return this.differences.total + this.unreadable.total === 0;
  }

  raw(record: RawRecord): void {
    const { received, where, instrument, connection, logged } = record;
    if (received === null) {
      this.unreadable.add("it does not say when it was received", where);
      return;
    }
    if (received < this.#asked.from || received >= this.#asked.to) return;
    const { events, bad } = readAgain(record, this.#parse, this.#history);
    if (this.window.has(received)) {
      this.counts[instrument === undefined ? "frames" : "bodies"] += 1;
      if (bad !== undefined) this.unreadable.add(bad, where);
    }
    for (const event of events) {
      if (event.type === "trade") this.trades.raw(event, logged);
      else this.tickers.raw(event, connection, logged);
    }
  }

  /** @param counts what `admit` says of the record */
  log(record: LogRecord, partition: number, counts: boolean): void {
    if (record.origin.kind !== "event") return;
    const place = { partition, seq: record.offset };
    const { success, data: event } = marketEvent.safeParse(parseJson(record.value));
    if (!success) {
      if (counts) this.differences.add({ difference: "unreadable in the log", place });
    } else if (event.type === "ticker") {
      if (counts) this.trades.begun(event.instrument, event.received);
      this.tickers.log(event, place, counts, record.logged);
    } else if (!counts) return;
    else if (event.type === "gap") this.#gaps.take(event);
    else this.trades.log(event, place, record.logged);
  }

  /** Both sides have been read up to a log time (ms), infinite at the end. */
  reached(logTime: number): void {
    if (logTime < this.#settled + SETTLE_EVERY) return;
    this.#settled = logTime;
    this.trades.settle(logTime);
    this.tickers.settle(logTime);
  }
}

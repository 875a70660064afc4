/**
 * Compares the tickers that raw gives with those of the log: by instrument, time of receipt and all fields, and by their order.
 * While a connection replaces another both bring the same, and the log need not have it twice.
 */

import { type TickerEvent, tickerFields } from "../../../protocol/events.ts";
import type { AnnouncedGaps } from "./announced-gaps.ts";
import { type Differences, type Excuse, fieldsThatDiffer, type LogPosition } from "./differences.ts";
import { type Group, type RawTicker, TickerGroups } from "./ticker-groups.ts";
import { TickerOrder } from "./ticker-order.ts";
import type { Window } from "./window.ts";

export interface TickerComparisonOptions {
  readonly window: Window;
  readonly differences: Differences;
  readonly gaps: AnnouncedGaps;
}

/** One side waits for the other so long, ms of log time. */
const PATIENCE = 60_000;
/** Two connections bring the same within this time, ms. */
const COPIES_WITHIN = 5000;
const FIELDS = tickerFields.keyof().options;

interface Feed {
  readonly groups: TickerGroups;
  readonly order: TickerOrder;
  /** The last raw ticker of each content, for {@link COPIES_WITHIN}. */
  readonly recent: Map<string, RawTicker>;
}

export class TickerComparison {
  readonly #options: TickerComparisonOptions;
  readonly #feeds = new Map<string, Feed>();
  #nth = 0;
  /** Tickers received in the window. */
  readonly counts = { raw: 0, log: 0 };

  constructor(options: TickerComparisonOptions) {
    this.#options = options;
  }

  /**
   * A ticker that raw gives.
   *
   * @param connection null where it is not known
   * @param at when the log took it, ms
   */
  raw(event: TickerEvent, connection: string | null, at: number): void {
    if (this.#has(event)) this.counts.raw += 1;
    const { groups, order, recent } = this.#feed(event.instrument);
    this.#nth += 1;
    const ticker: RawTicker = {
      event,
      content: contentOf(event),
      connection,
      nth: this.#nth,
      copies: { inLog: false },
    };
    meetCopies(ticker, recent);
    const match = groups.raw(ticker, at);
    if (match?.counts) this.#matched(ticker, match.place, order);
  }

  /** @param counts false for one that was written by a collector that had been replaced */
  log(event: TickerEvent, place: LogPosition, counts: boolean, at: number): void {
    if (counts && this.#has(event)) this.counts.log += 1;
    const { groups, order } = this.#feed(event.instrument);
    const match = groups.log({ event, content: contentOf(event), place, counts }, at);
    if (match === undefined) return;
    if (counts) this.#matched(match, place, order);
    else this.#options.differences.excuse("written by a collector that had been replaced");
  }

  /** Judges what has been waiting for its other side for long; all of it when log time (ms) is at its end. */
  settle(upTo: number): void {
    for (const { groups } of this.#feeds.values()) {
      for (const group of groups.takeQuietSince(upTo - PATIENCE)) this.#judge(group);
    }
  }

  #matched({ event, nth, connection, copies }: RawTicker, place: LogPosition, order: TickerOrder): void {
    copies.inLog = true;
    const broken = order.isBroken(nth, place.seq, connection, event.received ?? 0);
    if (broken && this.#has(event)) this.#options.differences.add({ difference: "out of order", place, log: event });
  }

  #judge(group: Group): void {
    const { differences } = this.#options;
    const raw = group.raw.filter((ticker) => this.#has(ticker.event) && !this.#isExcused(ticker));
    const log = group.log.filter(({ event, counts }) => counts && this.#has(event));
    for (const [i, { event, place }] of log.entries()) {
      const other = raw[i];
      if (other === undefined) differences.add({ difference: "not in raw", place, log: event });
      else {
        const { type, instrument, received } = event;
        const fields = fieldsThatDiffer(event, other.event);
        differences.add({ difference: "fields differ", type, instrument, received, place, fields });
      }
    }
    for (const { event } of raw.slice(log.length)) differences.add({ difference: "not in the log", raw: event });
  }

  #isExcused(ticker: RawTicker): boolean {
    const excuse = this.#excuse(ticker);
    if (excuse !== undefined) this.#options.differences.excuse(excuse);
    return excuse !== undefined;
  }

  #excuse({ event, copies }: RawTicker): Excuse | undefined {
    if (copies.inLog) return "in the log from another connection";
    const unattended = this.#options.gaps.unattended(event.instrument, event.received ?? 0);
    return unattended ? "missing as a gap in the log says" : undefined;
  }

  #has({ received }: TickerEvent): boolean {
    return this.#options.window.has(received);
  }

  #feed(instrument: string): Feed {
    const known = this.#feeds.get(instrument);
    if (known !== undefined) return known;
    const feed = { groups: new TickerGroups(), order: new TickerOrder(), recent: new Map() };
    this.#feeds.set(instrument, feed);
    return feed;
  }
}

/** Shares the fate of the same ticker from another connection. */
function meetCopies(ticker: RawTicker, recent: Map<string, RawTicker>): void {
  const since = (ticker.event.received ?? 0) - COPIES_WITHIN;
  for (const [content, { event }] of recent) {
    if ((event.received ?? 0) >= since) break;
    recent.delete(content);
  }
  const before = recent.get(ticker.content);
  const other = before !== undefined && (ticker.connection === null || before.connection !== ticker.connection);
  if (other) ticker.copies = before.copies;
  // Put at the end, so that the oldest ones come first.
  recent.delete(ticker.content);
  recent.set(ticker.content, ticker);
}

function contentOf(event: TickerEvent): string {
  return FIELDS.map((field) => event[field]).join("|");
}

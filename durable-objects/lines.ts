/**
 * A line is one stream at one rate of one feed: `trade@raw`, `ticker@100ms`. It knows what it has already broadcast, so
 * that nothing is sent twice or left out even when the object's memory goes away while its sockets stay.
 */

import { compareDecimals, type Decimal } from "../protocol/decimal.ts";
import { gapOf, type Source, type Ticker, tickerOf } from "../protocol/events.ts";
import type { DataItem, Path, TradeItem } from "../protocol/frames.ts";
import type { LoggedEvent } from "../protocol/ingest.ts";
import { CHANNELS, type Channel, RATES, type Rate } from "../protocol/stream.ts";

/** `trade@raw` */
export type LineName = `${Channel}@${Rate}`;

export const LINE_NAMES: readonly LineName[] = CHANNELS.flatMap((channel) =>
  RATES.map((rate): LineName => `${channel}@${rate}`),
);

/** @example rateOf("trade@raw") // "raw" */
export function rateOf(line: LineName): Rate {
  return line.endsWith("@raw") ? "raw" : "100ms";
}

/** The seq of the last item broadcast, by line. */
export type LinePositions = Partial<Record<LineName, number>>;

/** What an item is made of besides its events. */
export interface ItemContext {
  readonly instrument: string;
  readonly epoch: string;
  readonly source: Source;
  /** When it is sent, ms. */
  readonly edge: number;
}

export class Line {
  readonly channel: Channel;
  readonly rate: Rate;
  readonly name: LineName;
  /** The seq of the last item broadcast on this line (or passed over, when nobody listened); 0 where there was none. */
  position = 0;
  /** The log of trades starts anew with the next item: a snapshot in a new epoch comes before it. */
  startsAnew = false;
  #pending: LoggedEvent[] = [];

  constructor(channel: Channel, rate: Rate) {
    this.channel = channel;
    this.rate = rate;
    this.name = `${channel}@${rate}`;
  }

  get dirty(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * Takes an event if it belongs here and was not broadcast before. With nobody listening it only moves the position; but
   * never past what still waits for those who have just left, or the next item would move it back.
   */
  take(logged: LoggedEvent, listening: boolean): void {
    if (channelOf(logged) !== this.channel || logged.seq <= this.position) return;
    if (listening || this.dirty) this.#pending.push(logged);
    else this.position = logged.seq;
  }

  /** Up to here everything was broadcast, as was remembered elsewhere: of what waits, only what is newer still goes out. */
  adopt(position: number): void {
    if (position <= this.position) return;
    this.position = position;
    this.#pending = this.#pending.filter(({ seq }) => seq > position);
  }

  /** The items that are due now, oldest first; they count as broadcast from here on. */
  flush(context: ItemContext): DataItem[] {
    if (this.#pending.length === 0) return [];
    const events = this.#pending;
    this.#pending = [];
    const before = this.position;
    const items = this.#groups(events).map((group) => {
      const item = makeItem(this, group, this.position, context);
      this.position = item.seq;
      return item;
    });
    if (this.channel === "ticker") return before === 0 ? firstIsSnapshot(items) : items;
    return this.startsAnew ? this.#startAnew(items, events[0], context) : items;
  }

  /** Forgets what has not been broadcast: the log it came from has ended. */
  restart(position: number): void {
    this.#pending = [];
    this.position = position;
  }

  /** In a new epoch a log stream gets an empty snapshot to count from. */
  #startAnew(items: DataItem[], first: LoggedEvent | undefined, context: ItemContext): DataItem[] {
    const [head] = items;
    this.startsAnew = false;
    if (head === undefined || first === undefined) return items;
    return [tradeSnapshot(this, head.prev, null, pathOf(first, context.edge), context), ...items];
  }

  /** `raw` sends each event as its own item; a gap always is one, wherever it stands among the trades. */
  #groups(events: LoggedEvent[]): LoggedEvent[][] {
    return this.rate === "raw" ? events.map((event) => [event]) : groupTrades(events);
  }
}

/**
 * The first item of a state stream is its snapshot: in a new epoch too, however long it takes to come. That the line
 * stands at 0 says so also after hibernation.
 */
function firstIsSnapshot([head, ...rest]: DataItem[]): DataItem[] {
  return head === undefined ? [] : [{ ...head, snapshot: true }, ...rest];
}

/**
 * Splits events so that each gap stands alone and the trades between gaps stay together, in order.
 *
 * @param most events in a group
 */
export function groupTrades(events: readonly LoggedEvent[], most = Number.POSITIVE_INFINITY): LoggedEvent[][] {
  const groups: LoggedEvent[][] = [];
  for (const logged of events) {
    const last = groups.at(-1);
    const joins =
      last !== undefined && last.length < most && logged.event.type !== "gap" && last[0]?.event.type !== "gap";
    if (joins) last.push(logged);
    else groups.push([logged]);
  }
  return groups;
}

/**
 * The item of a non-empty group of events of one kind.
 *
 * @throws {RangeError} where it would not continue `prev`: sent all the same, it would hide a loss
 */
export function makeItem(
  line: Pick<Line, "name">,
  group: readonly LoggedEvent[],
  prev: number,
  context: ItemContext,
): DataItem {
  const newest = group.at(-1);
  if (newest === undefined) throw new RangeError("an item needs at least one event");
  if (newest.seq <= prev) throw new RangeError(`${line.name}: an item up to ${newest.seq} can't follow ${prev}`);
  const head = itemHead(line, prev, newest.seq, context);
  const { event } = newest;
  const t = pathOf(newest, context.edge);
  if (event.type === "gap") return { ...head, n: 0, gap: gapOf(event), t };
  if (event.type === "ticker") return { ...head, n: group.length, ticker: tickerOf(event), range: rangeOf(group), t };
  return { ...head, n: group.length, trades: group.flatMap(tradeItems), t };
}

/** The newest ticker as the first item of a state stream. */
export function tickerSnapshot(
  line: Pick<Line, "name">,
  seq: number,
  ticker: Ticker,
  t: Path,
  context: ItemContext,
): DataItem {
  const range = { low: ticker.price, high: ticker.price };
  return { ...itemHead(line, 0, seq, context), n: 1, snapshot: true, ticker, range, t };
}

/** The newest trade alone, so that the position of a `trade` stream is known. It counts no event. */
export function tradeSnapshot(
  line: Pick<Line, "name">,
  seq: number,
  trade: TradeItem | null,
  t: Path,
  context: ItemContext,
): DataItem {
  return { ...itemHead(line, 0, seq, context), n: 0, snapshot: true, trades: trade === null ? [] : [trade], t };
}

export function pathOf({ event, logged }: LoggedEvent, edge: number): Path {
  return { exchange: event.type === "gap" ? event.until : event.time, received: event.received, logged, edge };
}

export function tradeItems({ seq, event }: LoggedEvent): TradeItem[] {
  if (event.type !== "trade") return [];
  const { id, price, size, side, time } = event;
  return [{ id, price, size, side, time, seq, ...(event.late ? { late: true as const } : {}) }];
}

function channelOf({ event }: LoggedEvent): Channel {
  return event.type === "ticker" ? "ticker" : "trade";
}

function itemHead(line: Pick<Line, "name">, prev: number, seq: number, context: ItemContext) {
  const { instrument, epoch, source } = context;
  return {
    stream: `${instrument}@${line.name}`,
    instrument,
    epoch,
    prev,
    seq,
    ...(source === "live" ? {} : { source }),
  };
}

function rangeOf(group: readonly LoggedEvent[]): { low: Decimal; high: Decimal } {
  const prices = group.flatMap(({ event }) => (event.type === "ticker" ? [event.price] : []));
  const pick = (wins: (order: number) => boolean) =>
    prices.reduce((best, price) => (wins(compareDecimals(price, best)) ? price : best));
  return { low: pick((order) => order < 0), high: pick((order) => order > 0) };
}

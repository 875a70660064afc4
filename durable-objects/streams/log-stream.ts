/** A stream of which every event counts: trades, and the gaps in what was collected. None is left out, none repeated. */

import type { MarketEvent } from "../../protocol/events.ts";
import type { Channel, Rate } from "../../protocol/stream.ts";
import { FeedStream } from "./feed-stream.ts";
import { type FeedEvent, type Item, type ItemContext, logSnapshot, makeItem, pathOf } from "./item.ts";
import type { StreamKey } from "./stream-key.ts";

/** Trades in one item of a recovery: it may reach ten minutes back. */
export const RECOVERED_TRADES = 500;

/** The events that a log stream has broadcast, for whoever comes later. */
export interface StreamHistory {
  /** Events above `seq` in order, up to and with `until`. */
  since(seq: number, until: number): FeedEvent[];
  /** The newest event up to and with `seq`. */
  newestUpTo(seq: number): FeedEvent | undefined;
  /** The newest `limit` trades up to and with `until`, newest last. */
  newestTrades(limit: number, until: number): FeedEvent[];
}

export class LogStream extends FeedStream {
  readonly #history: StreamHistory;
  /** The log starts anew with the next item: a snapshot in the new epoch comes before it. */
  #startsAnew = false;

  constructor(channel: Channel, rate: Rate, history: StreamHistory) {
    super(channel, rate);
    this.#history = history;
  }

  override changeEpoch(start: number, continues: boolean, listening: boolean): void {
    this.#startsAnew = continues && listening;
    this.restart(continues ? start : 0);
  }

  override snapshot(context: ItemContext): Item | undefined {
    const { position } = this;
    const newest = this.#history.newestUpTo(position);
    if (newest === undefined || position === 0) return undefined;
    const trade = this.#history.newestTrades(1, position)[0];
    const path = pathOf(trade ?? newest, context.edge);
    return logSnapshot(this.key, position, trade, path, context);
  }

  override recover(from: number, context: ItemContext): Item[] {
    return chainItems(this.key, this.rate, this.#history.since(from, this.position), from, context, RECOVERED_TRADES);
  }

  override accepts(type: MarketEvent["type"]): boolean {
    return type !== "ticker";
  }

  protected override broadcast(_event: FeedEvent): void {
    // The history keeps what was.
  }

  /** In a new epoch an empty snapshot comes first, to count from. */
  protected override itemsOf(events: readonly FeedEvent[], context: ItemContext): Item[] {
    const items = chainItems(this.key, this.rate, events, this.position, context);
    const first = events[0];
    if (!this.#startsAnew || first === undefined) return items;
    this.#startsAnew = false;
    return [logSnapshot(this.key, this.position, undefined, pathOf(first, context.edge), context), ...items];
  }
}

/** Items that continue each other, the first one `from`. `raw` sends each event as its own. @param max trades in an item */
export function chainItems(
  key: StreamKey,
  rate: Rate,
  events: readonly FeedEvent[],
  from: number,
  context: ItemContext,
  max?: number,
): Item[] {
  const groups = rate === "raw" ? events.map((event) => [event]) : groupTrades(events, max);
  let prev = from;
  return groups.map((group) => {
    const item = makeItem(key, group, prev, context);
    prev = item.seq;
    return item;
  });
}

/**
 * Splits events so that each gap stands alone and the trades between gaps stay together, in order.
 *
 * @param max events in a group
 */
export function groupTrades(events: readonly FeedEvent[], max = Number.POSITIVE_INFINITY): FeedEvent[][] {
  const groups: FeedEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    const joins =
      last !== undefined && last.length < max && event.event.type !== "gap" && last[0]?.event.type !== "gap";
    if (joins) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

/** Events, batches and what a receiver makes of the items: for tests. */

import type { Ticker } from "../../protocol/events.ts";
import { type DataItem, dataItem, type FeedStatus } from "../../protocol/frames.ts";
import type { LoggedEvent, TicksFrame } from "../../protocol/ingest.ts";
import { INGEST_VERSION } from "../../protocol/ingest-version.ts";
import { RATES } from "../../protocol/stream.ts";
import { FeedEvent, type Item, type ItemContext } from "../streams/item.ts";

export const INSTRUMENT = "upbit:BTC-KRW";
const START = 1_783_655_000_000;

export function trade(seq: number, instrument = INSTRUMENT): LoggedEvent {
  const at = START + seq;
  const event = {
    type: "trade" as const,
    instrument,
    id: `t${seq}`,
    price: String(1000 + seq),
    size: "0.5",
    side: "buy" as const,
    time: at,
    received: at,
    snapshot: false,
  };
  return { seq, logged: at, event };
}

export function figures(price: string, time: number): Ticker {
  const none = { open: null, high: null, low: null, prevClose: null, change: null, changePct: null };
  const volumes = { baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null };
  return { price, size: null, side: null, ...none, window: "utc-day", ...volumes, status: "active", time };
}

export function ticker(seq: number, instrument = INSTRUMENT): LoggedEvent {
  const at = START + seq;
  return {
    seq,
    logged: at,
    event: { type: "ticker", instrument, ...figures(String(1000 + seq), at), received: at },
  };
}

export function gap(seq: number, instrument = INSTRUMENT): LoggedEvent {
  const at = START + seq;
  const fields = { cause: "exchange_disconnect" as const, since: at - 5, until: at, state: "open" as const };
  return { seq, logged: at, event: { type: "gap", instrument, ...fields, received: null } };
}

export const LIVE: FeedStatus = { state: "live", source: "live", since: START, asOf: START };

/** A batch that continues `prev`, complete through its last event, of a log read from its beginning, where nothing else is said. */
export function batch(
  epoch: string,
  prev: number,
  events: readonly LoggedEvent[],
  due: TicksFrame["due"] = [...RATES],
  through = events.at(-1)?.seq ?? prev,
  opens = 1,
): TicksFrame & { readonly v: number } {
  const seq = events.at(-1)?.seq ?? prev;
  return {
    op: "ticks",
    epoch,
    prev,
    seq,
    through,
    opens,
    events: [...events],
    asOf: START + seq,
    status: LIVE,
    due,
    v: INGEST_VERSION,
  };
}

export function context(epoch: string): ItemContext {
  return { instrument: INSTRUMENT, epoch, source: "live", edge: START };
}

/** Items as their receivers read them. @throws where one is none by the contract */
export function decoded(items: readonly Item[]): DataItem[] {
  return items.map(({ text }) => dataItem.parse(JSON.parse(text)));
}

/** Events as a feed passes them on. */
export function feedEvents(...events: readonly LoggedEvent[]): FeedEvent[] {
  return events.map((event) => new FeedEvent(event));
}

/** What a client makes of the items of one stream, by PROTOCOL.md §4: throws where something is missing or repeated. */
export class Receiver {
  epoch: string | undefined;
  last = 0;
  readonly trades: string[] = [];
  readonly gaps: string[] = [];
  readonly tickers: string[] = [];

  /** @param resumed the position to go on from; without it the first item must be a snapshot, or begin at 0 */
  constructor(resumed?: { readonly epoch: string; readonly seq: number }) {
    this.epoch = resumed?.epoch;
    this.last = resumed?.seq ?? 0;
  }

  take(item: DataItem): void {
    if (item.snapshot) {
      if (item.prev !== 0) throw new Error(`a snapshot with prev ${item.prev}`);
    } else {
      if (this.epoch !== undefined && item.epoch !== this.epoch)
        throw new Error(`epoch ${item.epoch} without snapshot`);
      if (item.prev !== this.last) throw new Error(`${item.stream}: prev ${item.prev} after ${this.last}`);
      if (item.seq <= item.prev) throw new Error(`${item.stream}: seq ${item.seq} after prev ${item.prev}`);
    }
    this.epoch = item.epoch;
    this.last = item.seq;
    if (item.ticker !== undefined) this.tickers.push(`${item.epoch}/${item.seq}`);
    if (item.gap !== undefined) this.gaps.push(`${item.epoch}/${item.seq}`);
    // The trade in a snapshot is there for its position only.
    if (!item.snapshot) for (const { seq } of item.trades ?? []) this.trades.push(`${item.epoch}/${seq}`);
  }

  takeAll(items: readonly DataItem[]): void {
    for (const item of items) this.take(item);
  }
}

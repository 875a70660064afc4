/**
 * The items that a feed sends, PROTOCOL.md §4: made once for each stream, serialised at most once, and shared by everyone who
 * listens. What an item carries of an event is serialised once for all streams and rates.
 */

import { compareDecimals, type Decimal } from "../../protocol/decimal.ts";
import { gapOf, type MarketEvent, type Source, tickerOf } from "../../protocol/events.ts";
import type { Path, TradeItem } from "../../protocol/frames.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import type { StreamKey } from "./stream-key.ts";

/** An event on its way through a feed. */
export class FeedEvent implements LoggedEvent {
  readonly seq: number;
  readonly logged: number;
  readonly event: MarketEvent;
  #body: string | undefined;

  constructor({ seq, logged, event }: LoggedEvent) {
    this.seq = seq;
    this.logged = logged;
    this.event = event;
  }

  /** What items carry of it, as JSON: a trade, a ticker's figures, or a gap. */
  get body(): string {
    this.#body ??= JSON.stringify(bodyOf(this));
    return this.#body;
  }
}

/** What an item is made of besides its events. */
export interface ItemContext {
  readonly instrument: string;
  readonly epoch: string;
  readonly source: Source;
  /** When it is sent, ms. */
  readonly edge: number;
}

interface ItemParts {
  readonly key: StreamKey;
  readonly context: ItemContext;
  readonly prev: number;
  readonly seq: number;
  /** Log events folded into it; a snapshot of trades counts none. */
  readonly n: number;
  /** What it shows, oldest first. */
  readonly events: readonly FeedEvent[];
  /** The newest event's path up to here. */
  readonly path: Path;
  readonly snapshot?: true;
}

export class Item {
  readonly #parts: ItemParts;
  #text: string | undefined;

  constructor(parts: ItemParts) {
    this.#parts = parts;
  }

  /** Canonical name of its stream. */
  get stream(): string {
    return streamName(this.#parts);
  }

  get prev(): number {
    return this.#parts.prev;
  }

  /** The seq of its first event; of a snapshot without one, its own. */
  get first(): number {
    return this.#parts.events[0]?.seq ?? this.#parts.seq;
  }

  get seq(): number {
    return this.#parts.seq;
  }

  get snapshot(): boolean {
    return this.#parts.snapshot === true;
  }

  /** How many events it shows. */
  get size(): number {
    return this.#parts.events.length;
  }

  /** Its JSON. */
  get text(): string {
    this.#text ??= encode(this.#parts);
    return this.#text;
  }

  /** The same without what a client has that got to `position` by another way; undefined where it has all of it. */
  continuing(position: number): Item | undefined {
    const parts = this.#parts;
    if (this.snapshot) return this;
    if (parts.seq <= position) return undefined;
    const events = parts.events.filter(({ seq }) => seq > position);
    return new Item({ ...parts, prev: position, events, n: Math.min(parts.n, events.length) });
  }
}

/**
 * The item of a non-empty group of events of one kind, oldest first.
 *
 * @throws {RangeError} where it would not continue `prev`: sent all the same, it would hide a loss
 */
export function makeItem(
  key: StreamKey,
  events: readonly FeedEvent[],
  prev: number,
  context: ItemContext,
  snapshot = false,
): Item {
  const newest = events.at(-1);
  if (newest === undefined) throw new RangeError("an item needs at least one event");
  const { seq } = newest;
  if (seq <= prev) throw new RangeError(`${key}: an item up to ${seq} can't follow ${prev}`);
  const n = newest.event.type === "gap" ? 0 : events.length;
  const path = pathOf(newest, context.edge);
  return new Item({ key, context, prev, seq, n, events, path, ...(snapshot ? { snapshot } : {}) });
}

/** The newest trade alone, if there is one, so that the position of a log stream is known. It counts no event. */
export function logSnapshot(
  key: StreamKey,
  seq: number,
  trade: FeedEvent | undefined,
  path: Path,
  context: ItemContext,
): Item {
  const events = trade === undefined ? [] : [trade];
  return new Item({ key, context, prev: 0, seq, n: 0, events, path, snapshot: true });
}

/** Items that continue each other, for one client that got to `position` by another way: what it has is left out. */
export function itemsAfter(items: readonly Item[], position: number): Item[] {
  const next = items.findIndex(({ seq, snapshot }) => snapshot || seq > position);
  const first = items[next]?.continuing(position);
  return first === undefined ? [] : [first, ...items.slice(next + 1)];
}

export function dataFrame(items: readonly Item[]): string {
  return `{"op":"data","data":[${items.map(({ text }) => text).join(",")}]}`;
}

export function pathOf({ event, logged }: LoggedEvent, edge: number): Path {
  return { exchange: event.type === "gap" ? event.until : event.time, received: event.received, logged, edge };
}

/** A trade as items and REST show it; nothing of other events. */
export function tradeItems({ seq, event }: LoggedEvent): TradeItem[] {
  if (event.type !== "trade") return [];
  const { id, price, size, side, time } = event;
  return [{ id, price, size, side, time, seq, ...(event.late ? { late: true as const } : {}) }];
}

function bodyOf(logged: LoggedEvent): object {
  const { event } = logged;
  if (event.type === "gap") return gapOf(event);
  if (event.type === "ticker") return tickerOf(event);
  return tradeItems(logged)[0] ?? {};
}

function streamName({ key, context }: Pick<ItemParts, "key" | "context">): string {
  return `${context.instrument}@${key}`;
}

function encode({ key, context, prev, seq, n, events, path, snapshot }: ItemParts): string {
  const { instrument, epoch, source } = context;
  const head = `"stream":${JSON.stringify(streamName({ key, context }))},"instrument":${JSON.stringify(instrument)}`;
  const position = `"epoch":${JSON.stringify(epoch)},"prev":${prev},"seq":${seq}`;
  const marks = `${source === "live" ? "" : `"source":"${source}",`}"n":${n}${snapshot ? ',"snapshot":true' : ""}`;
  return `{${head},${position},${marks},${contentOf(events)},"t":${JSON.stringify(path)}}`;
}

/** By the newest event: a gap and a ticker are one of a kind, trades stand together. */
function contentOf(events: readonly FeedEvent[]): string {
  const newest = events.at(-1);
  switch (newest?.event.type) {
    case "gap":
      return `"gap":${newest.body}`;
    case "ticker":
      return `"ticker":${newest.body},"range":${JSON.stringify(rangeOf(events))}`;
    default:
      return `"trades":[${events.map(({ body }) => body).join(",")}]`;
  }
}

function rangeOf(events: readonly FeedEvent[]): { low: Decimal; high: Decimal } {
  const prices = events.flatMap(({ event }) => (event.type === "ticker" ? [event.price] : []));
  const pick = (wins: (order: number) => boolean) =>
    prices.reduce((best, price) => (wins(compareDecimals(price, best)) ? price : best));
  return { low: pick((order) => order < 0), high: pick((order) => order > 0) };
}

/**
 * One stream of one feed: what waits to be sent at its rate, and what it has already broadcast, so that nothing is sent twice
 * or left out even when the object's memory goes away while its sockets stay. What makes a channel's kind is in its heirs,
 * `log-stream.ts` and `state-stream.ts`.
 */

import type { MarketEvent } from "../../protocol/events.ts";
import type { Channel, Rate } from "../../protocol/stream.ts";
import type { FeedEvent, Item, ItemContext } from "./item.ts";
import { type StreamKey, streamKey } from "./stream-key.ts";

export abstract class FeedStream {
  readonly channel: Channel;
  readonly rate: Rate;
  readonly key: StreamKey;
  protected pending: FeedEvent[] = [];
  /** Events that a newer one has replaced before they were sent, since somebody asked. */
  protected folded = 0;
  #position = 0;

  constructor(channel: Channel, rate: Rate) {
    this.channel = channel;
    this.rate = rate;
    this.key = streamKey(channel, rate);
  }

  /** The seq of the last item broadcast (or of what was passed over, when nobody listened); 0 where there was none. */
  get position(): number {
    return this.#position;
  }

  /** Whether something waits to be sent. */
  get dirty(): boolean {
    return this.pending.length > 0;
  }

  /**
   * Takes an event if it belongs here and was not broadcast before. With nobody listening it only moves the position; but
   * never past what still waits for those who have just left, or the next item would move it back.
   */
  take(event: FeedEvent, listening: boolean): void {
    if (!this.accepts(event.event.type)) return;
    if (event.seq <= this.#position) this.broadcast(event);
    else if (listening || this.dirty) this.pending.push(event);
    else {
      this.#position = event.seq;
      this.broadcast(event);
    }
  }

  /** The items that are due now, oldest first; they count as broadcast from here on. */
  flush(context: ItemContext): Item[] {
    const events = this.pending;
    if (events.length === 0) return [];
    this.pending = [];
    const items = this.itemsOf(events, context);
    for (const event of events) this.broadcast(event);
    this.#position = events.at(-1)?.seq ?? this.#position;
    return items;
  }

  /** How many events were replaced by a newer one before they were sent, since this was asked last. */
  takeFolded(): number {
    const { folded } = this;
    this.folded = 0;
    return folded;
  }

  /** Up to here everything was broadcast, as was remembered elsewhere: of what waits, only what is newer still goes out. */
  adopt(position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    for (const event of this.pending) if (event.seq <= position) this.broadcast(event);
    this.pending = this.pending.filter(({ seq }) => seq > position);
  }

  /** Forgets what has not been broadcast: the log it came from has ended. */
  restart(position: number): void {
    this.pending = [];
    this.#position = position;
  }

  /**
   * Goes over to another log, which begins after `start` for this feed; `continues` where another came before it.
   * A stream that goes on says so with a snapshot.
   */
  abstract changeEpoch(start: number, continues: boolean, listening: boolean): void;

  /** The first item of a new subscription, as things stood when the stream was flushed last; undefined where nothing is known. */
  abstract snapshot(context: ItemContext): Item | undefined;

  /** What a client that has everything up to `from` has missed; undefined where a snapshot makes up for it. */
  abstract recover(from: number, context: ItemContext): Item[] | undefined;

  /** Whether events of this type belong here. */
  abstract accepts(type: MarketEvent["type"]): boolean;

  /** An event that listeners have, or would have had. */
  protected abstract broadcast(event: FeedEvent): void;

  /** The items of what waited, of which there is at least one event. */
  protected abstract itemsOf(events: readonly FeedEvent[], context: ItemContext): Item[];
}

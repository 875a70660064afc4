/** A stream whose newest value replaces the older ones: what gathers within a period is folded into one item. */

import type { MarketEvent } from "../../protocol/events.ts";
import { FeedStream } from "./feed-stream.ts";
import { type FeedEvent, type Item, type ItemContext, makeItem } from "./item.ts";

export class StateStream extends FeedStream {
  /** The newest value that listeners have: a newcomer's snapshot. */
  #last: FeedEvent | undefined;

  override changeEpoch(): void {
    this.#last = undefined;
    this.restart(0);
  }

  override snapshot(context: ItemContext): Item | undefined {
    return this.#last === undefined ? undefined : makeItem(this.key, [this.#last], 0, context, true);
  }

  override recover(): undefined {
    return undefined;
  }

  override accepts(type: MarketEvent["type"]): boolean {
    return type === this.channel;
  }

  protected override broadcast(event: FeedEvent): void {
    if (event.seq >= (this.#last?.seq ?? 0)) this.#last = event;
  }

  /**
   * The first item of all is the stream's snapshot: in a new epoch too, however long it takes to come. That the stream stands
   * at 0 says so also after hibernation.
   */
  protected override itemsOf(events: readonly FeedEvent[], context: ItemContext): Item[] {
    let prev = this.position;
    const groups = this.rate === "raw" ? events.map((event) => [event]) : [events];
    this.folded += events.length - groups.length;
    return groups.map((group) => {
      const item = makeItem(this.key, group, prev, context, prev === 0);
      prev = item.seq;
      return item;
    });
  }
}

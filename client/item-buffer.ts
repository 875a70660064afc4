/** Items that wait to be taken, so many at most. */

import type { DataItem } from "../protocol/frames.ts";
import type { Subscribed } from "./handlers.ts";

/** One turn of the loop. */
export interface StreamEvent {
  readonly item: DataItem;
  /** Of a state: values that were given up since the last turn because the loop was too slow; 0 on a log. */
  readonly dropped: number;
  /** Where the stream could not go on from where it was, why: what lay between this item and the last is not available any more. */
  readonly missed: Subscribed["reason"];
}

export class ItemBuffer {
  readonly #size: number;
  /** In the order of their coming. */
  #events: StreamEvent[] = [];
  /** Given up since the last one that was taken. */
  #dropped = 0;

  /** @param size items, 1 or more */
  constructor(size: number) {
    this.#size = size;
  }

  get isFull(): boolean {
    return this.#events.length >= this.#size;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  put(item: DataItem, missed: StreamEvent["missed"]): void {
    this.#events.push({ item, dropped: 0, missed });
  }

  /**
   * Makes room by giving up an older value: of the same stream if one waits, since the newer one replaces it, else the oldest
   * of all.
   */
  putNewest(item: DataItem, missed: StreamEvent["missed"]): void {
    if (this.isFull) {
      const same = this.#events.findIndex((event) => event.item.stream === item.stream);
      this.#events.splice(Math.max(0, same), 1);
      this.#dropped += 1;
    }
    this.put(item, missed);
  }

  take(): StreamEvent | undefined {
    const event = this.#events.shift();
    if (event === undefined || this.#dropped === 0) return event;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { ...event, dropped };
  }

  clear(): void {
    this.#events = [];
  }
}

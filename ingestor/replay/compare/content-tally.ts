/**
 * Where the trade history has ids of its own: how many trades of one content the socket brought, the history told, and the
 * log has. A trade told by both stands in the log once, under either id.
 */

import type { TradeEvent } from "../../../protocol/events.ts";
import { contentOf } from "../../collect/deduplication/content-counts.ts";

export type Origin = "socket" | "history" | "log";
type Count = Record<Origin, number>;

export class ContentTally {
  readonly #counts = new Map<string, Count>();

  /** @returns the content, by which it can be taken off again */
  add(trade: TradeEvent, origin: Origin): string {
    const content = contentOf(trade);
    const count = this.#counts.get(content) ?? { socket: 0, history: 0, log: 0 };
    this.#counts.set(content, count);
    count[origin] += 1;
    return content;
  }

  takeOff(content: string, origin: Origin): void {
    const count = this.#counts.get(content);
    if (count === undefined) return;
    count[origin] -= 1;
    if (count.socket + count.history + count.log <= 0) this.#counts.delete(content);
  }

  /** Whether the log has as many trades of a content as there were. */
  hasAll(trade: TradeEvent): boolean {
    const { socket, history, log } = this.#counts.get(contentOf(trade)) ?? { socket: 0, history: 0, log: 0 };
    return log >= Math.max(socket, history);
  }
}

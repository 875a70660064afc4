/** How the exchange is, as relays are told: when it changes, and every few seconds up to when the feed is complete. */

import type { FeedStatus } from "../../protocol/frames.ts";

/** Relays hear of a newer `asOf` this often, ms: their clients hear of it every 15 s at least. */
const PERIOD = 5000;

export class RelayStatus {
  #status: FeedStatus | undefined;
  #said = "";
  #saidAsOf: number | null = null;
  #saidAt = 0;

  /** Undefined while nothing is known. */
  get current(): FeedStatus | undefined {
    return this.#status;
  }

  /** @param now ms. @returns whether relays are to be told */
  put(status: FeedStatus, now: number): boolean {
    this.#status = status;
    const { asOf, ...lasting } = status;
    const text = JSON.stringify(lasting);
    const isNewer = asOf !== null && asOf > (this.#saidAsOf ?? 0);
    if (text === this.#said && !(isNewer && now - this.#saidAt >= PERIOD)) return false;
    this.#said = text;
    this.#saidAsOf = asOf;
    this.#saidAt = now;
    return true;
  }

  /** Nobody brings ticks any more. @param now ms. @returns whether relays are to be told */
  publisherGone(now: number): boolean {
    const status = this.#status;
    if (status === undefined || status.state === "down") return false;
    return this.put({ ...status, state: "down", since: now, detail: "the ingestor has left this feed" }, now);
  }

  /** Nothing is heard while nobody listens. */
  forget(): void {
    this.#status = undefined;
    this.#said = "";
  }
}

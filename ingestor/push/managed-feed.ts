/** A feed as its partition manages it: its link, the socket behind that, and whether its instrument is still collected. */

import type { FeedLink } from "./feed-link.ts";
import type { ReconnectingSocket } from "./reconnecting-socket.ts";

/** A new listing is refused for a moment, until the registry has it: only what is refused for longer, ms, is gone. */
const REFUSED_FOR_GOOD = 60_000;
/** What the collector wrote last may still be on its way through the log, ms. */
const ON_ITS_WAY = 1500;
/** An instrument that has left the list is retired when its feed has stored what came before, or after this, ms. */
const RETIRE_PATIENCE = 5000;

export class ManagedFeed {
  readonly link: FeedLink;
  readonly #reconnecting: Pick<ReconnectingSocket, "refusedSince" | "close">;
  #listed = false;
  #unlistedSince: number | undefined;

  constructor(link: FeedLink, reconnecting: Pick<ReconnectingSocket, "refusedSince" | "close">) {
    this.link = link;
    this.#reconnecting = reconnecting;
  }

  /** It is on the list, perhaps again. */
  list(): void {
    this.#listed = true;
    this.#unlistedSince = undefined;
  }

  /** It is not on the list. One that never was may be so new that it is not there yet. `now` in ms. */
  unlist(now: number): void {
    if (!this.#listed || this.#unlistedSince !== undefined) return;
    this.#unlistedSince = now;
    this.link.flush(now);
  }

  /** Tells the feed that its instrument has gone, as soon as it may be told. @returns whether that has just been done */
  retire(now: number): boolean {
    if (this.#unlistedSince === undefined) return false;
    const waited = now - this.#unlistedSince;
    if (waited < ON_ITS_WAY) return false;
    if (this.link.holds !== undefined && waited < RETIRE_PATIENCE) {
      // Came after the list did: it must not wait for an idle feed's next batch.
      this.link.flush(now);
      return false;
    }
    return this.link.say({ op: "retired" });
  }

  /** Whether the edge has refused it for so long that what it holds would hold the commit for good. `now` in ms. */
  refusedForGood(now: number): boolean {
    const { refusedSince } = this.#reconnecting;
    return refusedSince !== undefined && now - refusedSince >= REFUSED_FOR_GOOD;
  }

  close(): void {
    this.link.close();
    this.#reconnecting.close();
  }
}

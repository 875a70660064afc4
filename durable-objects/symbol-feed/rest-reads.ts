/**
 * Answers REST reads from what a feed holds. A feed that nobody listens to is behind its pusher, so each read asks that first,
 * and waits for the answer a little: an older value is better than none.
 */

import type { Source } from "../../protocol/events.ts";
import type { TradeItem } from "../../protocol/frames.ts";
import type { LatestTicker } from "../../protocol/ingest.ts";
import type { PendingRequests } from "../pending-requests.ts";
import { tradeItems } from "../streams/item.ts";
import type { FeedCore } from "./feed-core.ts";
import type { PublisherSocket } from "./publisher-socket.ts";

/** How long a REST read waits for what an idle feed has not been sent yet, ms. */
const READ_PATIENCE = 300;

/** What `GET /v1/trades` needs of a feed. */
export interface RecentTrades {
  readonly source: Source | null;
  readonly epoch: string | null;
  readonly seq: number;
  readonly trades: TradeItem[];
}

export interface ReadParts {
  readonly core: FeedCore;
  readonly publisher: PublisherSocket;
  readonly waiting: PendingRequests;
  /** Asks the pusher for what an idle feed has not been sent yet; the result says whether it has come. */
  readonly refresh: () => () => boolean;
}

export class RestReads {
  readonly #parts: ReadParts;

  constructor(parts: ReadParts) {
    this.#parts = parts;
  }

  /** The newest ticker; null where none has come yet. */
  async latest(): Promise<LatestTicker | null> {
    await this.#readable();
    const { ticker, source } = this.#parts.core;
    return ticker?.latest(source) ?? null;
  }

  /** The newest trades, newest last. */
  async trades(limit: number): Promise<RecentTrades> {
    await this.#readable();
    const { core } = this.#parts;
    const { epoch, seq, status } = core;
    return { source: status?.source ?? null, epoch, seq, trades: core.newestTrades(limit).flatMap(tradeItems) };
  }

  #readable(): Promise<void> {
    const { core, publisher, waiting, refresh } = this.#parts;
    const refreshed = refresh();
    const caughtUp = () => core.caughtUp || !publisher.connected;
    return new Promise((resolve) =>
      waiting.enter(
        () => caughtUp() && refreshed(),
        READ_PATIENCE,
        () => resolve(),
      ),
    );
  }
}

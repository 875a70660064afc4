/** What the pusher keeps of one partition for the partition's own feed: the last minute, the newest tickers, and the link. */

import type { AckedBefore, LogRecord } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import type { EdgeClient } from "./edge-client.ts";
import type { EdgeSource } from "./edge-totals.ts";
import { NewestTickers } from "./newest-tickers.ts";
import { type LogView, PartitionLink } from "./partition-link.ts";
import { ReconnectingSocket } from "./reconnecting-socket.ts";
import { EventRing } from "./ring.ts";
import type { RingMemory } from "./ring-memory.ts";
import type { Semaphore } from "./semaphore.ts";

export interface PartitionPublisherOptions {
  readonly exchange: string;
  readonly partition: number;
  readonly edge: EdgeClient;
  readonly semaphore: Semaphore;
  readonly ringMemory: RingMemory;
  readonly logger: Logger;
  readonly view: () => LogView | undefined;
  /** Hears what the feed has done. */
  readonly counted: EdgeSource;
  /** Dialling waits for `passed`; `close` is called when another publisher has superseded this one. */
  readonly gate: { readonly close: () => void; readonly passed: () => Promise<void> };
}

export class PartitionPublisher {
  readonly link: PartitionLink;
  readonly #ring: EventRing;
  readonly #newest = new NewestTickers();
  readonly #reconnecting: ReconnectingSocket;
  #epoch: string | undefined;

  constructor(options: PartitionPublisherOptions) {
    const { exchange, partition, edge, semaphore, ringMemory, logger, view, counted, gate } = options;
    this.#ring = new EventRing(ringMemory);
    const link = new PartitionLink({ ring: this.#ring, newest: this.#newest, view, counted, onReplaced: gate.close });
    this.link = link;
    this.#reconnecting = new ReconnectingSocket(
      () => edge.publishPartition(exchange, partition),
      semaphore,
      {
        open: (socket) => link.opened(socket),
        message: (text) => link.onMessage(text),
        closed: () => link.closed(),
        mayDial: gate.passed,
      },
      logger,
    );
  }

  /** What another pusher has read before the commit: lists and resumes of the last seconds need it, too. */
  recall(epoch: string, { offset, recent }: AckedBefore): void {
    this.#begin(epoch, recent.after);
    for (const record of recent.records) this.take(epoch, record);
    this.#ring.reach(offset - 1, recent.records.at(-1)?.logged ?? 0);
  }

  /** Whatever stood up to this position is not to be had any more. */
  skip(epoch: string, position: number): void {
    this.#begin(epoch, position);
  }

  /** The next record that counts. */
  take(epoch: string, record: LogRecord): void {
    if (epoch !== this.#epoch) this.#begin(epoch, record.offset - 1);
    if (record.type === "ticker") this.#newest.take(record);
    if (record.type === "status") this.#ring.reach(record.offset, record.logged);
    else this.#ring.append(record);
  }

  /** For good. */
  close(): void {
    this.#reconnecting.close();
    this.#ring.close();
  }

  #begin(epoch: string, position: number): void {
    this.#epoch = epoch;
    this.#ring.begin(position);
    this.#newest.begin(epoch, position);
  }
}

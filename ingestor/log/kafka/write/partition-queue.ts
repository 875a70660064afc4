/**
 * One ordered queue per partition, and one `send()` at a time for each: kafkajs loses confirmed messages when a send spans
 * several partitions and a broker dies. A batch is repeated, exactly as it was, until it is confirmed; only then does the
 * next one go.
 */

import type { MemoryReservation } from "../../memory-pool.ts";
import type { Draft } from "../records.ts";
import { isTooLarge } from "./send-errors.ts";

/** Keeps a record batch well below the broker's `message.max.bytes` of 1 MB. */
const BATCH_BYTES = 400_000;
const BATCH_COUNT = 2000;
/** Bytes of a record's headers. */
const OVERHEAD = 100;

/** Confirms a batch, whatever it takes. Rejects when the queue is closed, or with what {@link isTooLarge} knows. */
export type Confirm = (batch: readonly Draft[], firstCount: number) => Promise<void>;
/** The substitute of a record that the broker refuses as too large, if any. */
export type Substitute = (draft: Draft) => Draft | undefined;

interface Watcher {
  readonly upTo: number;
  readonly resolve: () => void;
}

export class PartitionQueue {
  readonly #confirm: Confirm;
  readonly #substitute: Substitute;
  readonly #reservation: MemoryReservation;
  #waiting: Draft[] = [];
  #queued = 0;
  #confirmed = 0;
  #running = false;
  #watchers: Watcher[] = [];

  /** @param reservation counts unconfirmed bytes */
  constructor(confirm: Confirm, substitute: Substitute, reservation: MemoryReservation) {
    this.#confirm = confirm;
    this.#substitute = substitute;
    this.#reservation = reservation;
  }

  push(draft: Draft): void {
    this.#waiting.push(draft);
    this.#reservation.bytes += size(draft);
    this.#queued += 1;
    if (!this.#running) void this.#run();
  }

  /** Resolves when everything pushed so far is confirmed. */
  flushed(): Promise<void> {
    if (this.#confirmed >= this.#queued) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ upTo: this.#queued, resolve }));
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Records of the same turn go into the same batch.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch();
        await this.#confirmFitting(batch, this.#confirmed + 1);
        this.#waiting = this.#waiting.slice(batch.length);
        this.#confirmed += batch.length;
        this.#reservation.bytes -= batch.reduce((sum, draft) => sum + size(draft), 0);
        this.#tellWatchers();
      }
    } catch (error) {
      if (!(error instanceof QueueClosed)) throw error;
    } finally {
      this.#running = false;
    }
  }

  /** A batch that the broker refuses as too large is split; a single record is replaced by its substitute. */
  async #confirmFitting(batch: readonly Draft[], firstCount: number): Promise<void> {
    try {
      await this.#confirm(batch, firstCount);
    } catch (error) {
      const [first] = batch;
      if (!isTooLarge(error) || first === undefined) throw error;
      if (batch.length === 1) {
        const instead = this.#substitute(first);
        if (instead !== undefined) await this.#confirm([instead], firstCount);
      } else {
        const half = Math.ceil(batch.length / 2);
        await this.#confirmFitting(batch.slice(0, half), firstCount);
        await this.#confirmFitting(batch.slice(half), firstCount + half);
      }
    }
  }

  #nextBatch(): Draft[] {
    const batch: Draft[] = [];
    let bytes = 0;
    for (const draft of this.#waiting) {
      if (batch.length >= BATCH_COUNT || (batch.length > 0 && bytes + size(draft) > BATCH_BYTES)) break;
      batch.push(draft);
      bytes += size(draft);
    }
    return batch;
  }

  #tellWatchers(): void {
    const done = this.#watchers.filter(({ upTo }) => upTo <= this.#confirmed);
    this.#watchers = this.#watchers.filter(({ upTo }) => upTo > this.#confirmed);
    for (const { resolve } of done) resolve();
  }
}

/** Ends a queue's attempts: the writer is being closed. */
export class QueueClosed extends Error {
  override readonly name = "QueueClosed";
}

function size({ key, value }: Draft): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value) + OVERHEAD;
}

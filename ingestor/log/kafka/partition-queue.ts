/**
 * One ordered queue per partition, and one `send()` at a time for each: kafkajs loses confirmed messages when a send spans
 * several partitions and a broker dies. A batch is repeated, exactly as it was, until it is confirmed; only then does the
 * next one go.
 */

import type { Draft } from "./records.ts";

/** Keeps a record batch well below the broker's `message.max.bytes` of 1 MB. */
const BATCH_BYTES = 400_000;
const BATCH_COUNT = 2000;

/** Confirms a batch, whatever it takes. Rejects only when the queue is closed. */
export type Confirm = (batch: readonly Draft[], firstCount: number) => Promise<void>;

interface Watcher {
  readonly upTo: number;
  readonly resolve: () => void;
}

export class PartitionQueue {
  readonly #confirm: Confirm;
  #waiting: Draft[] = [];
  #bytes = 0;
  #queued = 0;
  #confirmed = 0;
  #running = false;
  #watchers: Watcher[] = [];

  constructor(confirm: Confirm) {
    this.#confirm = confirm;
  }

  /** What waits to be confirmed, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  push(draft: Draft): void {
    this.#waiting.push(draft);
    this.#bytes += size(draft);
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
    // What is pushed in the same turn goes into the same batch.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch();
        await this.#confirm(batch, this.#confirmed + 1);
        this.#waiting = this.#waiting.slice(batch.length);
        this.#confirmed += batch.length;
        this.#bytes -= batch.reduce((sum, draft) => sum + size(draft), 0);
        this.#tellWatchers();
      }
    } catch (error) {
      if (!(error instanceof QueueClosed)) throw error;
    } finally {
      this.#running = false;
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
  return key.length + value.length + 100;
}

/**
 * Writes batches exactly once: repeats each as it was until it is confirmed, and asks the log itself before it does. What a
 * send that was rejected has left there is found by its count.
 */

import type { Kafka } from "kafkajs";
import { readRanges } from "../read/read-range.ts";
import type { TakeoverDetector } from "../read/takeover-detector.ts";
import { type Draft, fromMessage } from "../records.ts";
import type { Ownership, Session } from "./ownership.ts";
import type { Retrier } from "./retrier.ts";
import type { TickProducers } from "./tick-producers.ts";

export interface ConfirmerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly producers: TickProducers;
  readonly ownership: Ownership;
  readonly retrier: Retrier;
  readonly takeovers: TakeoverDetector;
}

export class Confirmer {
  readonly #options: ConfirmerOptions;

  constructor(options: ConfirmerOptions) {
    this.#options = options;
  }

  /**
   * Returns when the batch is in the log; batches of one partition must not overlap.
   *
   * @param firstCount of the batch's first record, growing by one with each record of the partition
   * @throws when closed, or when the broker will never take the batch
   */
  async confirm(partition: number, batch: readonly Draft[], firstCount: number): Promise<void> {
    const { producers, ownership, retrier, takeovers } = this.#options;
    await retrier.untilDone("writing ticks", async (attempt) => {
      const { session } = ownership;
      if (session === undefined) throw new Error("the log has not been taken over");
      if (attempt > 0 && (await this.#alreadyThere(partition, session, firstCount))) return;
      const last = await producers.send(partition, batch, firstCount, session.authority);
      if (ownership.session !== session) throw new Error("the log was taken over anew meanwhile");
      const before = session.confirmed.get(partition) ?? -1;
      if (last - batch.length < before) {
        // Offsets only grow: this is another log, made anew under the same name. Its records before our marker are void.
        await ownership.takeOver();
        throw new Error("the topic was made anew");
      }
      session.confirmed.set(partition, last);
      // Nobody else should write here: a record in between may be the marker of another collector.
      const range = { partition, from: before + 1, to: last - batch.length + 1 };
      if (before >= 0 && range.from < range.to) takeovers.look(range, session.authority);
    });
  }

  /** Whether a batch whose send was rejected is in the log all the same. */
  async #alreadyThere(partition: number, session: Session, firstCount: number): Promise<boolean> {
    const { kafka, topic, producers, ownership } = this.#options;
    const { high } = await ownership.extent(partition);
    const from = (session.confirmed.get(partition) ?? -1) + 1;
    if (high < from) {
      await ownership.takeOver();
      throw new Error("the topic was made anew");
    }
    const { incarnation, term } = session.authority;
    let found: number | undefined;
    let last = from - 1;
    await readRanges(kafka, topic, [{ partition, from, to: high }], (_, messages) => {
      for (const record of messages.map(fromMessage)) {
        if (record?.origin.incarnation !== incarnation || record.origin.term !== term) continue;
        if (record.count === firstCount) found = record.offset;
        last = record.offset;
      }
      return true;
    });
    if (found === undefined) return false;
    // A rejected send rolls the producer's sequence back. The next batch would then look like a repeat of this one, and be
    // confirmed without being written.
    producers.renew(partition);
    session.confirmed.set(partition, last);
    return true;
  }
}

/** Looks in the log for collectors that have taken it over from us, where our own records do not follow one another. */

import type { Kafka } from "kafkajs";
import type { Authority } from "../../../../protocol/log-record.ts";
import { type Logger, reasonOf } from "../../../logger.ts";
import { NewerFormatError } from "../format.ts";
import { fromMessage } from "../records.ts";
import { type Range, readRanges } from "./read-range.ts";

export class TakeoverDetector {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #found = Promise.withResolvers<void>();
  /** Resolves when a marker has been found that outranks ours. */
  readonly found: Promise<void> = this.#found.promise;
  /** Ranges to read, by partition; a paused collector that goes on leaves its records everywhere. */
  readonly #ranges = new Map<number, Range>();
  #looking = false;

  constructor(kafka: Kafka, topic: string, logger: Logger) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#logger = logger;
  }

  /** Comes back at once. @param ours the authority of our own records */
  look(range: Range, ours: Authority): void {
    const { from = range.from } = this.#ranges.get(range.partition) ?? {};
    this.#ranges.set(range.partition, { ...range, from: Math.min(from, range.from) });
    if (!this.#looking) void this.#lookAll(ours);
  }

  async #lookAll(ours: Authority): Promise<void> {
    this.#looking = true;
    try {
      while (this.#ranges.size > 0) {
        const ranges = [...this.#ranges.values()];
        this.#ranges.clear();
        await this.#lookOnce(ranges, ours);
      }
    } catch (error) {
      // Nobody but a collector writes here: one of a later version has taken over.
      if (error instanceof NewerFormatError) {
        this.#logger.warn({ reason: reasonOf(error) }, "another collector has taken the log over");
        this.#found.resolve();
        return;
      }
      // Whoever outranks us goes on writing: the next of its records makes us look again.
      this.#logger.info({ reason: reasonOf(error) }, "looking for other collectors failed");
    } finally {
      this.#looking = false;
    }
  }

  async #lookOnce(ranges: readonly Range[], ours: Authority): Promise<void> {
    await readRanges(this.#kafka, this.#topic, ranges, (_, messages) => {
      for (const record of messages.map(fromMessage)) {
        if (record?.origin.kind !== "marker") continue;
        const { incarnation, term } = record.origin;
        if (incarnation === ours.incarnation && term <= ours.term) continue;
        this.#logger.warn({ term, ours: ours.term }, "another collector has taken the log over");
        this.#found.resolve();
      }
      return true;
    });
  }
}

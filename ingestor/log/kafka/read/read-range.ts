/** Reads ranges of some partitions once: tails at a start, the log before them, a whole log to verify. */

import type { Kafka, KafkaMessage } from "kafkajs";
import { type ConsumeOptions, consume } from "./standalone-consumer.ts";

export interface Range {
  readonly partition: number;
  /** The first offset to read. */
  readonly from: number;
  /** The offset to stop before. */
  readonly to: number;
}

/** A range that brings nothing for this long, ms, has no end any more: the log was made anew meanwhile. */
const STUCK = 20_000;

/**
 * @param take gets each batch in order; resolving to false ends the reading of that partition
 * @returns when every range has been read
 * @throws when a range can't be read to its end, or reading is ended from outside
 */
export async function readRanges(
  kafka: Kafka,
  topic: string,
  ranges: readonly Range[],
  take: (partition: number, messages: readonly KafkaMessage[]) => Promise<boolean> | boolean,
  { fetch, signal }: ConsumeOptions = {},
): Promise<void> {
  const unread = new Map(ranges.filter(({ from, to }) => from < to).map((range) => [range.partition, range]));
  const stuck = new AbortController();
  const watchdog = setTimeout(() => stuck.abort(new Error(`reading ${topic} gets stuck`)), STUCK);
  const signals = [stuck.signal, ...(signal === undefined ? [] : [signal])];
  try {
    await consume(
      kafka,
      topic,
      new Map([...unread.values()].map(({ partition, from }) => [partition, from])),
      async ({ partition, messages }) => {
        const { from, to } = unread.get(partition) ?? { from: 0, to: 0 };
        const wanted = messages.filter(({ offset }) => Number(offset) >= from && Number(offset) < to);
        const goOn = wanted.length === 0 || (await take(partition, wanted));
        // Below `from` in a topic that was made anew: its few records are passed over.
        const next = Number(messages.at(-1)?.offset ?? from - 1) + 1;
        unread.set(partition, { partition, from: Math.max(from, next), to });
        watchdog.refresh();
        return goOn && next < to ? next : undefined;
      },
      { ...(fetch === undefined ? {} : { fetch }), signal: AbortSignal.any(signals) },
    );
  } finally {
    clearTimeout(watchdog);
  }
}

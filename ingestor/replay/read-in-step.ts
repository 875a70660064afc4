/**
 * Reads ranges of several partitions once, of one topic or two, side by side: whichever is ahead in log time is paused until
 * the others have caught up. Not on `standalone-consumer.ts`: one that is held back there holds back all of its topic.
 */

import { randomUUID } from "node:crypto";
import type { Kafka, KafkaMessage } from "kafkajs";
import { askAgain } from "../log/kafka/ask-again.ts";
import { Steps } from "./steps.ts";

/** A range of a partition. */
export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  /** The first offset to read. */
  readonly from: number;
  /** The offset to stop before. */
  readonly to: number;
}

export interface PartHandlers {
  /** The next messages of a part. */
  take(part: PartitionRange, messages: readonly KafkaMessage[]): void;
  /** A part has been read to its end. */
  ended(part: PartitionRange): void;
  /** All parts have been read up to a log time (ms), infinite at the end. Reading waits for it. */
  reached(logTime: number): Promise<void>;
}

/** How far one part may be ahead of another, ms of log time. */
export const LEAD = 10_000;
/** Bringing nothing for this long, ms, a part has no end any more: the log was made anew meanwhile. */
const STUCK = 20_000;

/** @throws when a part can't be read to its end */
export async function readInStep(
  kafka: Kafka,
  parts: readonly PartitionRange[],
  handlers: PartHandlers,
): Promise<void> {
  const wanted = new Map(parts.filter(({ from, to }) => from < to).map((part) => [keyOf(part), part]));
  for (const part of parts) if (!wanted.has(keyOf(part))) handlers.ended(part);
  if (wanted.size > 0) await new Reading(kafka, wanted, handlers).run();
  await handlers.reached(Number.POSITIVE_INFINITY);
}

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

class Reading {
  readonly #consumer;
  readonly #parts: ReadonlyMap<string, PartitionRange>;
  readonly #handlers: PartHandlers;
  readonly #steps: Steps<string>;
  readonly #positions = new Map<string, number>();
  readonly #paused = new Set<string>();
  readonly #done = Promise.withResolvers<void>();
  #watchdog: NodeJS.Timeout | undefined;

  constructor(kafka: Kafka, parts: ReadonlyMap<string, PartitionRange>, handlers: PartHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.#steps = new Steps(parts.keys(), LEAD);
    this.#consumer = kafka.consumer({
      groupId: `tickcast-replay-${randomUUID()}`,
      sessionTimeout: 30_000,
      maxWaitTimeInMs: 100,
      metadataMaxAge: 3000,
      allowAutoTopicCreation: false,
    });
    // It may end before anyone waits for it: `await` throws all the same.
    this.#done.promise.catch(() => undefined);
  }

  async run(): Promise<void> {
    const consumer = this.#consumer;
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#done.reject(payload.error);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment));
    try {
      await consumer.connect();
      const topics = [...new Set([...this.#parts.values()].map(({ topic }) => topic))];
      await askAgain(() => consumer.subscribe({ topics }));
      this.#watchdog = setTimeout(() => this.#done.reject(new Error("reading gets stuck")), STUCK);
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, isStale, heartbeat }) => {
          if (isStale()) return;
          try {
            await this.#take(batch, batch.messages);
          } catch (error) {
            // Else it would be read again, and again.
            this.#done.reject(error);
          }
          await heartbeat();
        },
      });
      await this.#done.promise;
    } finally {
      clearTimeout(this.#watchdog);
      await consumer.disconnect();
    }
  }

  #onJoin(assigned: Readonly<Record<string, readonly number[]>>): void {
    for (const [topic, partitions] of Object.entries(assigned)) {
      for (const partition of partitions) {
        const part = this.#openPart({ topic, partition });
        if (part === undefined) this.#pause({ topic, partition });
        else {
          const offset = String(this.#positions.get(keyOf(part)) ?? part.from);
          this.#consumer.seek({ topic, partition, offset });
        }
      }
    }
  }

  async #take(at: TopicPartition, messages: readonly KafkaMessage[]): Promise<void> {
    const part = this.#openPart(at);
    if (part === undefined) return;
    const key = keyOf(part);
    const position = this.#positions.get(key) ?? part.from;
    const wanted = messages.filter(({ offset }) => Number(offset) >= position && Number(offset) < part.to);
    const last = messages.at(-1);
    this.#positions.set(key, Math.max(position, Number(last?.offset ?? -1) + 1));
    this.#handlers.take(part, wanted);
    this.#steps.advance(key, Number(last?.timestamp ?? 0));
    if (Number(last?.offset ?? -1) >= part.to - 1) this.#finish(part);
    await this.#handlers.reached(this.#steps.reached);
    this.#keepStep();
    this.#watchdog?.refresh();
    if (this.#steps.open.length === 0) this.#done.resolve();
  }

  #finish(part: PartitionRange): void {
    this.#steps.finish(keyOf(part));
    this.#pause(part);
    this.#handlers.ended(part);
  }

  /** Those that are ahead wait, the others go on. */
  #keepStep(): void {
    for (const key of this.#steps.open) {
      const part = this.#parts.get(key);
      if (part === undefined || this.#steps.mustWait(key) === this.#paused.has(key)) continue;
      if (this.#paused.has(key)) {
        this.#paused.delete(key);
        this.#consumer.resume([{ topic: part.topic, partitions: [part.partition] }]);
      } else this.#pause(part);
    }
  }

  #pause(at: TopicPartition): void {
    this.#paused.add(keyOf(at));
    this.#consumer.pause([{ topic: at.topic, partitions: [at.partition] }]);
  }

  #openPart(at: TopicPartition): PartitionRange | undefined {
    const key = keyOf(at);
    return this.#steps.open.includes(key) ? this.#parts.get(key) : undefined;
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

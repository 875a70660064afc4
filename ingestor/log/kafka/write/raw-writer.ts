/** Raw frames on their way to their own topic: spread over its partitions, and never in the way of a tick. */

import { CompressionTypes, type Kafka, type Producer } from "kafkajs";
import { type Logger, reasonOf } from "../../../logger.ts";
import type { RawFrame, RawState } from "../../log.ts";
import { MemoryPool } from "../../memory-pool.ts";
import { type KafkaSettings, names } from "../client.ts";
import { admitLargeFrames, ensureTopics } from "../topics.ts";
import { PartitionProducer } from "./partition-producer.ts";
import { QueueClosed } from "./partition-queue.ts";
import { type RawMessage, RawQueue } from "./raw-queue.ts";
import { retryPause } from "./retry-pause.ts";
import { isTooLarge, lostSequence } from "./send-errors.ts";

/** Unconfirmed raw frames, of all exchanges together: beyond it frames are left out. */
const MEMORY = new MemoryPool(128 * 1024 * 1024);
/** With no frame taken for this long, ms, something is wrong that does not pass by itself. */
const PATIENCE = 5000;

export interface RawWriterOptions {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly exchange: string;
  /** Makes a producer that is not connected yet. */
  readonly newProducer: () => Producer;
  readonly logger: Logger;
}

export class RawWriter {
  readonly #options: RawWriterOptions;
  readonly #topic: string;
  readonly #producer: PartitionProducer;
  #queue: RawQueue | undefined;
  /** Since when (ms) a batch is being written, and why it is not yet, by partition. */
  readonly #pending = new Map<number, { readonly since: number; reason: string }>();
  #closed = false;

  constructor(options: RawWriterOptions) {
    this.#options = options;
    this.#topic = names(options.settings.prefix, options.exchange).raw;
    this.#producer = new PartitionProducer(this.#topic, options.newProducer);
  }

  /** Undefined before {@link open}. */
  get state(): RawState | undefined {
    if (this.#queue === undefined) return undefined;
    const { bytes, omitted } = this.#queue;
    const late = [...this.#pending.values()].find(({ since }) => Date.now() - since > PATIENCE);
    return { bytes, omitted, trouble: late?.reason };
  }

  /** @param partitions that the topic has */
  open(partitions: number): void {
    this.#queue = new RawQueue({
      partitions,
      reservation: MEMORY.reserve(),
      send: (partition, messages) => this.#send(partition, messages),
    });
  }

  push(frame: RawFrame): void {
    this.#queue?.push(frame);
  }

  /** Resolves when every frame queued so far is confirmed. */
  async flushed(): Promise<void> {
    await this.#queue?.flushed();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#queue?.close();
    await this.#producer.close();
  }

  /** @throws when the broker will never take it */
  async #send(partition: number, messages: readonly RawMessage[]): Promise<void> {
    const pending = { since: Date.now(), reason: "Kafka does not answer" };
    this.#pending.set(partition, pending);
    try {
      for (let attempts = 0; !(await this.#sendOnce(partition, messages, attempts, pending)); attempts += 1) {
        await retryPause();
      }
    } finally {
      this.#pending.delete(partition);
    }
  }

  /** @returns whether it is written; `pending` says why not */
  async #sendOnce(
    partition: number,
    messages: readonly RawMessage[],
    attempts: number,
    pending: { reason: string },
  ): Promise<boolean> {
    if (this.#closed) throw new QueueClosed("writing raw frames");
    try {
      if (attempts > 0) await this.#restoreTopic();
      const assigned = messages.map((message) => ({ ...message, partition }));
      await this.#producer.send(assigned, CompressionTypes.GZIP);
      return true;
    } catch (error) {
      if (lostSequence(error)) this.#producer.renew();
      if (isTooLarge(error)) throw error;
      pending.reason = reasonOf(error);
      this.#options.logger.warn({ reason: pending.reason, attempts }, "writing raw frames failed, trying again");
      return false;
    }
  }

  /** A topic that was deleted: nobody else would make it anew. */
  async #restoreTopic(): Promise<void> {
    const { kafka, settings, exchange, logger } = this.#options;
    // One that has known a topic can do nothing more once the topic is gone.
    const admin = kafka.admin();
    try {
      await admin.connect();
      if ((await admin.listTopics()).includes(this.#topic)) return;
      await ensureTopics(admin, settings, exchange);
      await admitLargeFrames(admin, this.#topic, logger);
    } finally {
      await admin.disconnect();
    }
  }
}

/** The producers of a ticks topic, one for each partition: see `partition-producer.ts`. */

import { type Kafka, Partitioners, type Producer } from "kafkajs";
import type { Authority } from "../../../../protocol/log-record.ts";
import { type Draft, toMessage } from "../records.ts";
import { PartitionProducer } from "./partition-producer.ts";
import { QueueClosed } from "./partition-queue.ts";
import { lostSequence } from "./send-errors.ts";

/** An idempotent producer that is not connected yet. */
export function newProducer(kafka: Kafka): Producer {
  return kafka.producer({
    idempotent: true,
    maxInFlightRequests: 5,
    metadataMaxAge: 3000,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
}

export class TickProducers {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #producers = new Map<number, PartitionProducer>();
  #closed = false;

  constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
  }

  /**
   * Sends one batch once.
   *
   * @param firstCount of the batch's first record, see {@link toMessage}
   * @returns the offset of its last record
   * @throws when it is not certain to be in the log
   */
  async send(partition: number, batch: readonly Draft[], firstCount: number, authority: Authority): Promise<number> {
    const messages = batch.map((draft, i) => toMessage(draft, authority, partition, firstCount + i));
    const producer = this.#of(partition);
    try {
      return (await producer.send(messages)) + batch.length - 1;
    } catch (error) {
      if (lostSequence(error)) producer.renew();
      throw error;
    }
  }

  /** The partition's next batch goes out with a new producer: the sequence begins anew. */
  renew(partition: number): void {
    this.#of(partition).renew();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#producers.values()].map((producer) => producer.close()));
  }

  #of(partition: number): PartitionProducer {
    if (this.#closed) throw new QueueClosed("closed");
    const known = this.#producers.get(partition);
    if (known !== undefined) return known;
    const producer = new PartitionProducer(this.#topic, () => newProducer(this.#kafka));
    this.#producers.set(partition, producer);
    return producer;
  }
}

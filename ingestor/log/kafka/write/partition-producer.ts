/**
 * A producer for one partition alone. A rejected `send()` breaks the producer's sequence, and only a new one
 * can go on; shared between partitions, its end would cut off what the others have in flight.
 */

import { CompressionTypes, type Message, type Producer } from "kafkajs";

export class PartitionProducer {
  readonly #make: () => Producer;
  readonly #topic: string;
  #producer: Producer | undefined;
  #closed = false;

  /** @param make makes a producer that is not connected yet */
  constructor(topic: string, make: () => Producer) {
    this.#topic = topic;
    this.#make = make;
  }

  /** Sends one batch once. @returns the offset of its first record @throws when it is not certain to be in the log */
  async send(messages: Message[], compression = CompressionTypes.None): Promise<number> {
    const producer = await this.#connected();
    const [answer] = await producer.send({ topic: this.#topic, acks: -1, compression, messages });
    const base = Number(answer?.baseOffset ?? -1);
    if (base < 0) throw new Error(`Kafka confirmed a batch of ${this.#topic} without an offset`);
    return base;
  }

  /** The next batch goes out with a new producer: the sequence begins anew. */
  renew(): void {
    const old = this.#producer;
    this.#producer = undefined;
    // Nothing is in flight any more, and whether the broker hears of it changes nothing.
    old?.disconnect().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#producer?.disconnect();
  }

  async #connected(): Promise<Producer> {
    if (this.#closed) throw new Error("closed");
    if (this.#producer !== undefined) return this.#producer;
    const producer = this.#make();
    try {
      await producer.connect();
    } catch (error) {
      producer.disconnect().catch(() => undefined);
      throw error;
    }
    // Whoever connected meanwhile, or closed, has the last word.
    if (this.#closed || this.#producer !== undefined) producer.disconnect().catch(() => undefined);
    this.#producer ??= producer;
    return this.#producer;
  }
}

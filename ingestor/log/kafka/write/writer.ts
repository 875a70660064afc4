/** The collector's side of a Kafka log: everything handed over is in the log exactly once, or still waiting here. */

import type { MarketEvent } from "../../../../protocol/events.ts";
import { createPartitioner } from "../../../../protocol/partition.ts";
import type { Logger } from "../../../logger.ts";
import type { EarlierTail, LoggedStatus, RawFrame, RawState, Tail, TickWriter } from "../../log.ts";
import { MemoryPool } from "../../memory-pool.ts";
import { createKafka, type KafkaSettings, names } from "../client.ts";
import { OpenGaps } from "../read/open-gaps.ts";
import { ReadBack } from "../read/read-back.ts";
import { TakeoverDetector } from "../read/takeover-detector.ts";
import { type Draft, eventDraft, isOversized, statusDraft, substituteOf } from "../records.ts";
import { Confirmer } from "./confirmer.ts";
import { Ownership } from "./ownership.ts";
import { PartitionQueue } from "./partition-queue.ts";
import { RawWriter } from "./raw-writer.ts";
import { Retrier } from "./retrier.ts";
import { newProducer, TickProducers } from "./tick-producers.ts";

/** Unconfirmed ticks, of all exchanges together, before collectors must stop: over a minute of four busy exchanges. */
const TICKS_MEMORY = new MemoryPool(512 * 1024 * 1024);

export class KafkaWriter implements TickWriter {
  readonly #logger: Logger;
  readonly #retrier: Retrier;
  readonly #producers: TickProducers;
  readonly #ownership: Ownership;
  readonly #takeovers: TakeoverDetector;
  readonly #confirmer: Confirmer;
  readonly #readBack: ReadBack;
  readonly #raw: RawWriter;
  readonly #reservation = TICKS_MEMORY.reserve();
  readonly #openGaps = new OpenGaps();
  readonly #end = new AbortController();
  #queues: PartitionQueue[] = [];
  #partitionOf: (instrument: string) => number = () => 0;
  /** Of the topic, once the log has been taken over. */
  partitions: number | undefined;
  /** Events that could not be written as they are. */
  refused = 0;

  constructor(settings: KafkaSettings, exchange: string, logger: Logger) {
    this.#logger = logger.child({ part: "log-writer", exchange });
    const kafka = createKafka(settings, this.#logger);
    const { ticks: topic } = names(settings.prefix, exchange);
    this.#retrier = new Retrier(this.#logger);
    this.#producers = new TickProducers(kafka, topic);
    const shared = { kafka, producers: this.#producers, retrier: this.#retrier, logger: this.#logger };
    this.#ownership = new Ownership({ ...shared, settings, exchange });
    this.#takeovers = new TakeoverDetector(kafka, topic, this.#logger);
    this.#confirmer = new Confirmer({ ...shared, topic, ownership: this.#ownership, takeovers: this.#takeovers });
    this.#readBack = new ReadBack(kafka, topic, this.#openGaps, this.#logger);
    const makeProducer = () => newProducer(kafka);
    this.#raw = new RawWriter({ kafka, settings, exchange, newProducer: makeProducer, logger: this.#logger });
  }

  get bytes(): number {
    return this.#reservation.bytes;
  }

  get raw(): RawState | undefined {
    return this.#raw.state;
  }

  /** Of ticks alone: raw frames give way before they hold anything up. */
  get overloaded(): boolean {
    return this.#reservation.isFull;
  }

  get reachable(): boolean {
    return this.#retrier.reachable;
  }

  get term(): number {
    return this.#ownership.term;
  }

  get superseded(): Promise<void> {
    return this.#takeovers.found;
  }

  async open(atLeast: number): Promise<readonly Tail[]> {
    const { tails, ends, rawPartitions } = await this.#ownership.takeOver(atLeast);
    this.partitions = tails.length;
    this.#partitionOf = createPartitioner(tails.length);
    this.#queues = tails.map(
      (_, partition) =>
        new PartitionQueue(
          (batch, count) => this.#confirmer.confirm(partition, batch, count),
          (draft) => this.#substituteFor(draft),
          this.#reservation,
        ),
    );
    for (const [partition, { events }] of tails.entries())
      for (const event of events) this.#openGaps.note(partition, event);
    this.#readBack.setTails(ends);
    this.#raw.open(rawPartitions);
    return tails;
  }

  readBack(take: (partition: number, earlier: EarlierTail) => Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#readBack.run(take, AbortSignal.any([signal, this.#end.signal]));
  }

  partitionOf(instrument: string): number {
    return this.#partitionOf(instrument);
  }

  append(event: MarketEvent): void {
    const partition = this.partitionOf(event.instrument);
    this.#openGaps.note(partition, event);
    const draft = eventDraft(event);
    const fitting = isOversized(draft) ? this.#substituteFor(draft) : draft;
    if (fitting !== undefined) this.#queues[partition]?.push(fitting);
  }

  announce({ healing: since, ...status }: LoggedStatus): void {
    for (const [partition, queue] of this.#queues.entries()) {
      const healing = this.#openGaps.healing(partition, since);
      queue.push(statusDraft(healing === undefined ? status : { ...status, healing }));
    }
  }

  appendRaw(frame: RawFrame): void {
    this.#raw.push(frame);
  }

  async confirmed(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.flushed()));
  }

  async flushed(): Promise<void> {
    await Promise.all([this.confirmed(), this.#raw.flushed()]);
  }

  async close(): Promise<void> {
    this.#retrier.close();
    this.#end.abort();
    this.#reservation.close();
    await Promise.all([this.#raw.close(), this.#producers.close(), this.#ownership.close()]);
  }

  /** The substitute of a record that is too large for the log. */
  #substituteFor(draft: Draft): Draft | undefined {
    this.refused += 1;
    const { key, type, value } = draft;
    this.#logger.error({ key, type, length: value.length }, "a record is too large for the log: left out");
    return substituteOf(draft);
  }
}

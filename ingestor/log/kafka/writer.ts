/** The collector's side of a Kafka log: everything handed over is in the log exactly once, or still waiting here. */

import { type Admin, type Kafka, Partitioners, type Producer } from "kafkajs";
import type { MarketEvent } from "../../../protocol/events.ts";
import type { Authority } from "../../../protocol/log-record.ts";
import { createPartitioner } from "../../../protocol/partition.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import type { EarlierTail, LoggedStatus, RawFrame, RawState, Tail, TickWriter } from "../log.ts";
import { MemoryPool } from "../memory-pool.ts";
import { createKafka, type KafkaSettings, names } from "./client.ts";
import { type Extent, extents } from "./offsets.ts";
import { OpenGaps } from "./open-gaps.ts";
import { PartitionProducer } from "./partition-producer.ts";
import { PartitionQueue, QueueClosed } from "./partition-queue.ts";
import type { PartitionTail } from "./partition-tail.ts";
import { RawWriter } from "./raw-writer.ts";
import { ReadBack } from "./read-back.ts";
import { readRanges } from "./read-range.ts";
import {
  type Draft,
  eventDraft,
  fromMessage,
  isOversized,
  markerDraft,
  statusDraft,
  substituteOf,
  toMessage,
} from "./records.ts";
import { retryPause } from "./retry-pause.ts";
import { isTooLarge, lostSequence } from "./send-errors.ts";
import { markersFor, readEnds, readUpToMarkers } from "./takeover.ts";
import { TakeoverDetector } from "./takeover-detector.ts";
import { admitLargeFrames, ensureTopics } from "./topics.ts";

/** Unconfirmed ticks, of all exchanges together, before collectors must stop: over a minute of four busy exchanges. */
const TICKS_MEMORY = new MemoryPool(512 * 1024 * 1024);

/** One takeover's authority, and how far its writes are confirmed. */
interface Session {
  readonly authority: Authority;
  /** The last offset that we know to be in the log, by partition. */
  readonly confirmed: Map<number, number>;
}

/** The outcome of a takeover, by partition. */
interface TakenOver {
  readonly tails: readonly Tail[];
  readonly ends: readonly PartitionTail[];
}

export class KafkaWriter implements TickWriter {
  readonly #settings: KafkaSettings;
  readonly #exchange: string;
  readonly #logger: Logger;
  readonly #kafka: Kafka;
  #admin: Admin;
  /** Of the topic, once the log has been taken over. */
  partitions: number | undefined;
  #partitionOf: (instrument: string) => number = () => 0;
  readonly #producers = new Map<number, PartitionProducer>();
  #session: Session | undefined;
  #takeover: Promise<TakenOver> | undefined;
  #queues: PartitionQueue[] = [];
  readonly #raw: RawWriter;
  #rawPartitions = 0;
  readonly #reservation = TICKS_MEMORY.reserve();
  readonly #openGaps = new OpenGaps();
  /** Events that could not be written as they are. */
  refused = 0;
  #closed = false;
  readonly #end = new AbortController();
  readonly #readBack: ReadBack;
  /** The lowest term to write under. */
  #atLeast = 0;
  /** The term whose markers are being written. */
  #taking = 0;
  readonly #takeovers: TakeoverDetector;
  reachable = false;

  constructor(settings: KafkaSettings, exchange: string, logger: Logger) {
    this.#settings = settings;
    this.#exchange = exchange;
    this.#logger = logger.child({ part: "log-writer", exchange });
    this.#kafka = createKafka(settings, this.#logger);
    this.#admin = this.#kafka.admin();
    this.#takeovers = new TakeoverDetector(this.#kafka, this.#topic, this.#logger);
    this.#readBack = new ReadBack(this.#kafka, this.#topic, this.#openGaps, this.#logger);
    const newProducer = () => this.#newProducer();
    this.#raw = new RawWriter({ kafka: this.#kafka, settings, exchange, newProducer, logger: this.#logger });
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

  /** From the first marker on: who holds the lease must hear of it, even should the takeover not be finished. */
  get term(): number {
    return Math.max(this.#session?.authority.term ?? 0, this.#taking);
  }

  get superseded(): Promise<void> {
    return this.#takeovers.found;
  }

  async open(atLeast: number): Promise<readonly Tail[]> {
    this.#atLeast = atLeast;
    const { tails, ends } = await this.#takeOver();
    this.partitions = tails.length;
    this.#partitionOf = createPartitioner(tails.length);
    this.#queues = tails.map(
      (_, partition) =>
        new PartitionQueue(
          (batch, count) => this.#confirm(partition, batch, count),
          (draft) => this.#substituteFor(draft),
          this.#reservation,
        ),
    );
    for (const [partition, { events }] of tails.entries())
      for (const event of events) this.#openGaps.note(partition, event);
    this.#readBack.setTails(ends);
    this.#raw.open(this.#rawPartitions);
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
    this.#closed = true;
    this.#end.abort();
    this.#reservation.close();
    const producers = [...this.#producers.values()].map((producer) => producer.close());
    await Promise.all([this.#raw.close(), ...producers, this.#admin.disconnect()]);
  }

  get #topic(): string {
    return names(this.#settings.prefix, this.#exchange).ticks;
  }

  #newProducer(): Producer {
    return this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 5,
      metadataMaxAge: 3000,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
  }

  /** Takes the log over; whoever else needs it meanwhile waits for the same takeover. */
  #takeOver(): Promise<TakenOver> {
    this.#takeover ??= this.#untilDone("taking the log over", () => this.#takeOverOnce()).finally(() => {
      this.#takeover = undefined;
    });
    return this.#takeover;
  }

  async #takeOverOnce(): Promise<TakenOver> {
    await this.#renewAdmin();
    await ensureTopics(this.#admin, this.#settings, this.#exchange);
    const { raw } = names(this.#settings.prefix, this.#exchange);
    await admitLargeFrames(this.#admin, raw, this.#logger);
    this.#rawPartitions = (await extents(this.#admin, raw)).length;
    const ends = await readEnds(this.#kafka, this.#admin, this.#topic, this.#atLeast);
    this.#taking = ends.next.term;
    const markers = new Map<number, number>();
    for (const { extent } of ends.tails) {
      const drafts = Array.from({ length: markersFor(extent) }, markerDraft);
      markers.set(extent.partition, await this.#send(extent.partition, drafts, 0, ends.next));
    }
    await readUpToMarkers(this.#kafka, this.#topic, ends, markers);
    const tails = ends.tails.map((tail) => tail.toTail());
    this.#session = { authority: ends.next, confirmed: markers };
    this.#logger.info({ ...ends.next, partitions: tails.length }, ends.isNew ? "began a new log" : "took the log over");
    return { tails, ends: ends.tails };
  }

  /** An admin client that has known a topic can do nothing more, not even make it anew, once the topic is gone. */
  async #renewAdmin(): Promise<void> {
    const old = this.#admin;
    this.#admin = this.#kafka.admin();
    old.disconnect().catch(() => undefined);
    await this.#admin.connect();
  }

  /** Sends one batch once. @returns the offset of its last record */
  async #send(partition: number, batch: readonly Draft[], firstCount: number, authority: Authority): Promise<number> {
    const messages = batch.map((draft, i) => toMessage(draft, authority, partition, firstCount + i));
    try {
      return (await this.#producer(partition).send(messages)) + batch.length - 1;
    } catch (error) {
      if (lostSequence(error)) this.#producer(partition).renew();
      throw error;
    }
  }

  #producer(partition: number): PartitionProducer {
    if (this.#closed) throw new QueueClosed("closed");
    const known = this.#producers.get(partition);
    if (known !== undefined) return known;
    const producer = new PartitionProducer(this.#topic, () => this.#newProducer());
    this.#producers.set(partition, producer);
    return producer;
  }

  async #confirm(partition: number, batch: readonly Draft[], firstCount: number): Promise<void> {
    await this.#untilDone("writing ticks", async (attempt) => {
      const session = this.#session;
      if (session === undefined) throw new Error("the log has not been taken over");
      if (attempt > 0 && (await this.#alreadyThere(partition, session, firstCount))) return;
      const last = await this.#send(partition, batch, firstCount, session.authority);
      if (this.#session !== session) throw new Error("the log was taken over anew meanwhile");
      const before = session.confirmed.get(partition) ?? -1;
      if (last - batch.length < before) {
        // Offsets only grow: this is another log, made anew under the same name. Its records before our marker are void.
        await this.#takeOver();
        throw new Error("the topic was made anew");
      }
      session.confirmed.set(partition, last);
      // Nobody else should write here: a record in between may be the marker of another collector.
      const range = { partition, from: before + 1, to: last - batch.length + 1 };
      if (before >= 0 && range.from < range.to) this.#takeovers.look(range, session.authority);
    });
  }

  /** Whether a batch whose send was rejected is in the log all the same: the log itself is asked. */
  async #alreadyThere(partition: number, session: Session, firstCount: number): Promise<boolean> {
    const extent = await this.#extent(partition);
    const from = (session.confirmed.get(partition) ?? -1) + 1;
    if (extent.high < from) {
      await this.#takeOver();
      throw new Error("the topic was made anew");
    }
    let found: number | undefined;
    let last = from - 1;
    await readRanges(this.#kafka, this.#topic, [{ partition, from, to: extent.high }], (_, messages) => {
      for (const record of messages.map(fromMessage)) {
        const { incarnation, term } = session.authority;
        if (record?.origin.incarnation !== incarnation || record.origin.term !== term) continue;
        if (record.count === firstCount) found = record.offset;
        last = record.offset;
      }
      return true;
    });
    if (found === undefined) return false;
    // A rejected send rolls the producer's sequence back. The next batch would then look like a repeat of this one, and be
    // confirmed without being written.
    this.#producer(partition).renew();
    session.confirmed.set(partition, last);
    return true;
  }

  async #extent(partition: number): Promise<Extent> {
    // A topic that was deleted is made anew by taking over: nobody else would.
    if (!(await this.#admin.listTopics()).includes(this.#topic)) {
      await this.#takeOver();
      throw new Error("the topic was deleted");
    }
    const extent = (await extents(this.#admin, this.#topic)).find((one) => one.partition === partition);
    if (extent === undefined) throw new Error(`${this.#topic} has no partition ${partition}`);
    return extent;
  }

  /** The substitute of a record that is too large for the log. */
  #substituteFor(draft: Draft): Draft | undefined {
    this.refused += 1;
    const { key, type, value } = draft;
    this.#logger.error({ key, type, length: value.length }, "a record is too large for the log: left out");
    return substituteOf(draft);
  }

  /** Retries until it works: received events must not be dropped because a broker is away. */
  async #untilDone<T>(what: string, attempt: (attempts: number) => Promise<T>): Promise<T> {
    for (let attempts = 0; ; attempts += 1) {
      if (this.#closed) throw new QueueClosed(what);
      try {
        const result = await attempt(attempts);
        this.reachable = true;
        return result;
      } catch (error) {
        if (this.#closed) throw new QueueClosed(what);
        // It would be answered alike for ever: whoever asked makes it smaller.
        if (isTooLarge(error)) throw error;
        this.reachable = false;
        this.#logger.warn({ reason: reasonOf(error), attempts }, `${what} failed, trying again`);
        await retryPause();
      }
    }
  }
}

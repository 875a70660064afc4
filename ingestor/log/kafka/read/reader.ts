/** The pusher's side of a Kafka log: its partitions of the exchange's consumer group, read on from what is committed. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Admin, Batch, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { createPartitioner } from "../../../../protocol/partition.ts";
import { type Logger, reasonOf } from "../../../logger.ts";
import type { Commit, Expired, LogHandlers, LogRecord, TickReader } from "../../log.ts";
import { createKafka, type KafkaSettings, names } from "../client.ts";
import { committedOffsets, extents } from "../offsets.ts";
import { CommitLookback } from "./commit-lookback.ts";
import { GroupMember } from "./group-member.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import { PartitionReader } from "./partition-reader.ts";
import { readPartition } from "./read-partition.ts";

/** Messages handed on without a pause: beside a busy machine, heartbeats and sockets must have their turn in between. */
const SLICE = 200;
/** What Kafka says of a group that has committed nothing. */
const NOT_COMMITTED = -1;

export class KafkaReader implements TickReader {
  readonly #logger: Logger;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #topic: string;
  readonly #groupId: string;
  readonly #member: GroupMember;
  /** Of the present generation. */
  readonly #readers = new Map<number, Promise<PartitionReader>>();
  /** Of newly assigned partitions, until it is done. */
  readonly #lookbacks = new Map<number, CommitLookback>();
  /** Partitions whose {@link LogHandlers.resumed} is still due. */
  readonly #unchecked = new Set<number>();
  /** Counts the generations: offsets asked for in an earlier one are stale. */
  #generation = 0;
  /** Of the topic, once it is known. */
  partitions: number | undefined;
  #partitionOf: (instrument: string) => number = () => -1;
  readonly #lags = new Map<number, number>();
  #voided = 0;

  constructor(settings: KafkaSettings, exchange: string, logger: Logger) {
    this.#logger = logger.child({ part: "log-reader", exchange });
    this.#kafka = createKafka(settings, this.#logger);
    this.#admin = this.#kafka.admin();
    const { ticks, group } = names(settings.prefix, exchange);
    this.#topic = ticks;
    this.#groupId = group;
    this.#member = new GroupMember({
      kafka: this.#kafka,
      topic: ticks,
      groupId: group,
      concurrency: settings.partitions,
      logger: this.#logger,
    });
  }

  /** Comes back once the first attempt is under way; goes on trying until it is stopped. */
  async start(handlers: LogHandlers): Promise<void> {
    void this.#member.run({
      prepare: () => this.#prepare(),
      joined: (partitions) => this.#assign(partitions, handlers),
      batch: (payload) => this.#onBatch(payload, handlers),
      confirmed: () => handlers.confirmed(),
      left: () => this.#revokeAll(handlers),
    });
  }

  partitionOf(instrument: string): number {
    return this.#partitionOf(instrument);
  }

  get reachable(): boolean {
    return this.#member.reachable;
  }

  get lag(): number {
    return [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0);
  }

  get voided(): number {
    return this.#voided;
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    const readers = await Promise.all(commits.map(({ partition }) => this.#readers.get(partition)));
    const ours = commits.flatMap(({ partition, epoch, offset }, i) => {
      const reader = readers[i];
      // Another member's by now, or of a topic that was made anew: our offset means nothing there.
      if (reader?.epoch !== epoch) return [];
      return { partition, offset, cursor: reader.cursor };
    });
    if (ours.length < commits.length) throw new Error("the partitions are no longer ours");
    await this.#member.commit(ours.map(({ cursor, ...one }) => ({ ...one, metadata: cursor.metadata(one.offset) })));
    for (const { cursor, offset } of ours) cursor.forget(offset);
  }

  pause(partitions: readonly number[]): void {
    this.#member.pause(partitions);
  }

  resume(partitions: readonly number[]): void {
    this.#member.resume(partitions);
  }

  async catchUp(
    partition: number,
    seq: number,
    take: (epoch: string, records: readonly LogRecord[], next: number, expired?: Expired) => Promise<boolean>,
  ): Promise<void> {
    const live = await this.#readers.get(partition);
    if (live === undefined) return;
    const { epoch: ours } = live;
    const reader = new PartitionReader(partition, live.cursor.after(seq));
    await readPartition(this.#kafka, this.#topic, reader, ({ epoch, records, next, expired }) =>
      // It may begin with the record at `seq` itself, whose authority is needed.
      take(epoch, epoch === ours ? records.filter(({ offset }) => offset > seq) : records, next, expired),
    );
  }

  async stop(): Promise<void> {
    await this.#member.stop();
    await this.#admin.disconnect();
  }

  async #prepare(): Promise<void> {
    await this.#admin.connect();
    this.partitions = (await extents(this.#admin, this.#topic)).length;
    this.#partitionOf = createPartitioner(this.partitions);
  }

  /** In a new generation everything is read again from the commits, so the readers are made anew. */
  #assign(partitions: readonly number[], handlers: LogHandlers): void {
    const gone = [...this.#readers.keys()].filter((partition) => !partitions.includes(partition));
    const added = partitions.filter((partition) => !this.#readers.has(partition));
    for (const partition of gone) {
      this.#lags.delete(partition);
      this.#unchecked.delete(partition);
    }
    for (const partition of added) this.#unchecked.add(partition);
    this.#readers.clear();
    this.#lookbacks.clear();
    this.#generation += 1;
    for (const partition of partitions) {
      const generation = this.#generation;
      const reader = this.#openReader(partition, generation);
      reader.catch((error) => {
        this.#logger.warn({ reason: reasonOf(error), partition }, "reading the committed position failed");
        if (generation === this.#generation) this.#member.rejoin(error);
      });
      this.#readers.set(partition, reader);
    }
    for (const partition of gone) handlers.revoked(partition);
    for (const partition of added) handlers.assigned(partition);
  }

  #revokeAll(handlers: LogHandlers): void {
    // What is still being opened must release nothing in the next membership.
    this.#generation += 1;
    for (const partition of this.#readers.keys()) handlers.revoked(partition);
    this.#readers.clear();
    this.#unchecked.clear();
  }

  /** A reader that begins where the group has committed, or where the log does; fetching begins with it. */
  async #openReader(partition: number, generation: number): Promise<PartitionReader> {
    const [offsets, all] = await Promise.all([
      committedOffsets(this.#admin, this.#groupId, this.#topic),
      extents(this.#admin, this.#topic),
    ]);
    const { low, high } = all.find((one) => one.partition === partition) ?? { low: 0, high: 0 };
    const { offset, metadata } = offsets.get(partition) ?? { offset: NOT_COMMITTED };
    const cursor = this.#cursorAt(offset, low, metadata);
    if (generation !== this.#generation) return new PartitionReader(partition, cursor);
    const isInLog = offset >= low && offset <= high;
    const lookback = offset >= 0 && offset <= high ? this.#lookBack(partition, cursor, low) : undefined;
    // Named even where it is the commit: ours may move on before kafkajs asks for it, and what lies between would seem expired.
    this.#member.release(partition, lookback ?? (isInLog ? offset : low));
    return new PartitionReader(partition, cursor);
  }

  #cursorAt(offset: number, low: number, metadata: string | null | undefined): PartitionCursor {
    if (offset >= 0) return PartitionCursor.committed(this.#logger, offset, low, metadata);
    if (offset === NOT_COMMITTED) return PartitionCursor.atBeginning(this.#logger, low);
    return PartitionCursor.afterReset(this.#logger, low);
  }

  /**
   * Looks back, so that the acked positions before the commit are known before any record can reach a feed. With the group's
   * own consumer: it has joined already.
   *
   * @returns where fetching begins then; undefined where there is nothing to look at
   */
  #lookBack(partition: number, { authority, next }: PartitionCursor, low: number): number | undefined {
    if (authority === null || !this.#unchecked.has(partition)) return undefined;
    const lookback = new CommitLookback(low, next, authority);
    if (lookback.from >= next) return undefined;
    this.#lookbacks.set(partition, lookback);
    return lookback.from;
  }

  /** Feeds the lookback with the records before the commit. @returns the rest of the batch */
  #takeLookback(
    { partition, messages, highWatermark }: Batch,
    { epoch }: PartitionReader,
    handlers: LogHandlers,
  ): readonly KafkaMessage[] {
    const lookback = this.#lookbacks.get(partition);
    const rest = lookback?.take(messages, Number(highWatermark)) ?? messages;
    if (lookback !== undefined && !lookback.done) return rest;
    this.#lookbacks.delete(partition);
    const acked = this.#unchecked.delete(partition) ? lookback?.positions() : undefined;
    if (acked !== undefined) handlers.resumed(partition, epoch, acked);
    return rest;
  }

  /**
   * A batch may outlast its generation: after a rejoin, or a seek, the rest of the batch is not ours any more. So only the
   * messages that were handed on are resolved.
   */
  async #onBatch(payload: EachBatchPayload, handlers: LogHandlers): Promise<void> {
    const { batch, isStale, isRunning, heartbeat, resolveOffset } = payload;
    const { partition } = batch;
    const opening = this.#readers.get(partition);
    const reader = await opening;
    const isCurrent = () => isRunning() && !isStale() && this.#readers.get(partition) === opening;
    if (reader === undefined || !isCurrent()) return;
    const messages = this.#takeLookback(batch, reader, handlers);
    if (messages.length === 0) {
      resolveOffset(batch.lastOffset());
      await heartbeat();
      return;
    }
    for (let from = 0; from < messages.length; from += SLICE) {
      const slice = messages.slice(from, from + SLICE);
      await this.#handOn(reader, slice, handlers);
      if (!isCurrent()) return;
      const last = slice.at(-1)?.offset ?? batch.lastOffset();
      resolveOffset(last);
      this.#lags.set(partition, Number(batch.highWatermark) - Number(last) - 1);
      await nextTurn();
      // Sends one when it is time for it.
      await heartbeat();
      if (!isCurrent()) return;
    }
    if (!reader.cursor.mustStartOver(messages)) return;
    this.#logger.warn({ partition }, "the topic was made anew, reading it from its beginning");
    this.#member.seek(partition, 0);
  }

  /** Hands on the records that count, for each epoch apart. */
  async #handOn(reader: PartitionReader, messages: readonly KafkaMessage[], handlers: LogHandlers): Promise<void> {
    const { partition, cursor } = reader;
    const voidedBefore = cursor.voided;
    for (const { epoch, records, expired } of reader.read(messages)) {
      if (expired !== undefined) handlers.expired(partition, epoch, expired);
      if (records.length > 0) await handlers.records(partition, epoch, records);
    }
    this.#voided += cursor.voided - voidedBefore;
  }
}

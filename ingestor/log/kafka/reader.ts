/** The pusher's side of a Kafka log: a member of the exchange's consumer group. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Admin, Batch, Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { type Logger, reasonOf } from "../../logger.ts";
import type { Commit, Expired, LogHandlers, LogRecord, TickReader } from "../log.ts";
import { askAgain } from "./ask-again.ts";
import { createKafka, type KafkaSettings, names } from "./client.ts";
import { CommitLookback } from "./commit-lookback.ts";
import { committedOffsets, extents } from "./offsets.ts";
import { judged, PartitionCursor } from "./partition-cursor.ts";
import { createPartitioner } from "./partitioner.ts";
import { readRanges } from "./read-range.ts";

/** A dead ingestor's partitions reach clients again within ten seconds. */
const SESSION_TIMEOUT = 6000;
const HEARTBEAT = 1500;
const PAUSE = 500;
/** A fetch is decoded in one go: of a backlog it may bring this much of a partition, bytes. */
const FETCH_BYTES = 256 * 1024;
/** Messages handed on without a pause: beside a busy machine, heartbeats and sockets must have their turn in between. */
const SLICE = 200;

export class KafkaReader implements TickReader {
  readonly #settings: KafkaSettings;
  readonly #logger: Logger;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #topic: string;
  readonly #group: string;
  readonly #cursors = new Map<number, Promise<PartitionCursor>>();
  /** Of newly assigned partitions, until it is done. */
  readonly #lookbacks = new Map<number, CommitLookback>();
  /** Partitions whose {@link LogHandlers.resumed} is still due. */
  readonly #unchecked = new Set<number>();
  /** Generation counter: offsets asked for in an earlier one are stale. */
  #joins = 0;
  #partitionOf: (instrument: string) => number = () => -1;
  #consumer: Consumer | undefined;
  readonly #lags = new Map<number, number>();
  #voided = 0;
  #stopped = false;
  reachable = false;

  constructor(settings: KafkaSettings, exchange: string, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger.child({ part: "log-reader", exchange });
    this.#kafka = createKafka(settings, this.#logger);
    this.#admin = this.#kafka.admin();
    const { ticks, group } = names(settings.prefix, exchange);
    this.#topic = ticks;
    this.#group = group;
  }

  /** Comes back once the first attempt is under way; goes on trying until it is stopped. */
  async start(handlers: LogHandlers): Promise<void> {
    void this.#keepRunning(handlers);
  }

  partitionOf(instrument: string): number {
    return this.#partitionOf(instrument);
  }

  get lag(): number {
    return [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0);
  }

  get voided(): number {
    return this.#voided;
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    const consumer = this.#consumer;
    const cursors = await Promise.all(commits.map(({ partition }) => this.#cursors.get(partition)));
    const offsets = commits.flatMap(({ partition, epoch, offset }, i) => {
      const cursor = cursors[i];
      // Another member's by now, or of a topic that was made anew: our offset means nothing there.
      if (cursor === undefined || cursor.epoch(partition) !== epoch) return [];
      return { topic: this.#topic, partition, offset: String(offset), cursor };
    });
    if (consumer === undefined || offsets.length < commits.length) throw new Error("the partitions are no longer ours");
    await consumer.commitOffsets(
      offsets.map(({ cursor, ...one }) => ({ ...one, metadata: cursor.metadata(Number(one.offset)) })),
    );
    for (const { cursor, offset } of offsets) cursor.forget(Number(offset));
  }

  pause(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#consumer?.pause([{ topic: this.#topic, partitions: [...partitions] }]);
  }

  resume(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#consumer?.resume([{ topic: this.#topic, partitions: [...partitions] }]);
  }

  async catchUp(
    partition: number,
    seq: number,
    take: (epoch: string, records: readonly LogRecord[], next: number, expired?: Expired) => Promise<boolean>,
  ): Promise<void> {
    const cursor = await this.#cursors.get(partition);
    if (cursor === undefined) return;
    const start = cursor.after(seq);
    const range = { partition, from: start.next, to: Number.MAX_SAFE_INTEGER };
    await readRanges(this.#kafka, this.#topic, [range], async (_, messages) => {
      let expired = start.expiredBefore(messages);
      for (const { epoch, records } of judged(partition, start, messages)) {
        const wanted = records.filter(({ offset }) => offset > seq);
        if (!(await take(epoch, wanted, start.next, expired))) return false;
        expired = undefined;
      }
      return true;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#consumer?.disconnect();
    await this.#admin.disconnect();
  }

  /** kafkajs restarts what it thinks can be mended; after anything else the consumer is made anew. */
  async #keepRunning(handlers: LogHandlers): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#admin.connect();
        this.#partitionOf = createPartitioner((await extents(this.#admin, this.#topic)).length);
        await this.#runOnce(handlers);
      } catch (error) {
        if (this.#stopped) return;
        this.reachable = false;
        this.#logger.warn({ reason: reasonOf(error) }, "reading the log failed, trying again");
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  }

  async #runOnce(handlers: LogHandlers): Promise<void> {
    const consumer = this.#kafka.consumer({
      groupId: this.#group,
      sessionTimeout: SESSION_TIMEOUT,
      heartbeatInterval: HEARTBEAT,
      rebalanceTimeout: SESSION_TIMEOUT,
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: FETCH_BYTES,
      metadataMaxAge: 3000,
      allowAutoTopicCreation: false,
    });
    const { promise: crashed, reject } = Promise.withResolvers<never>();
    // It may crash before we have come to waiting for that.
    crashed.catch(() => undefined);
    const { CRASH, GROUP_JOIN, HEARTBEAT: BEAT } = consumer.events;
    consumer.on(CRASH, ({ payload }) => {
      this.reachable = false;
      if (!payload.restart) reject(payload.error);
    });
    consumer.on(GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) =>
      this.#assign(payload.memberAssignment[this.#topic] ?? [], handlers),
    );
    consumer.on(BEAT, () => {
      this.reachable = true;
      handlers.confirmed();
    });
    this.#consumer = consumer;
    try {
      await consumer.connect();
      await askAgain(() => consumer.subscribe({ topic: this.#topic, fromBeginning: true }));
      const partitionsConsumedConcurrently = this.#settings.partitions;
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently,
        eachBatch: (payload) => this.#onBatch(payload, handlers),
      });
      await crashed;
    } finally {
      this.#consumer = undefined;
      for (const partition of this.#cursors.keys()) handlers.revoked(partition);
      this.#cursors.clear();
      this.#unchecked.clear();
      await consumer.disconnect();
    }
  }

  /** After a join everything is read again from the commits, so the cursors are made anew. */
  #assign(partitions: readonly number[], handlers: LogHandlers): void {
    this.#logger.info({ partitions }, "joined the group");
    const gone = [...this.#cursors.keys()].filter((partition) => !partitions.includes(partition));
    const added = partitions.filter((partition) => !this.#cursors.has(partition));
    for (const partition of gone) {
      this.#lags.delete(partition);
      this.#unchecked.delete(partition);
    }
    for (const partition of added) this.#unchecked.add(partition);
    this.#cursors.clear();
    this.#lookbacks.clear();
    this.#joins += 1;
    for (const partition of partitions) {
      const cursor = this.#loadCursor(partition, this.#joins);
      cursor.catch((error) =>
        this.#logger.warn({ reason: reasonOf(error), partition }, "reading the committed position failed"),
      );
      this.#cursors.set(partition, cursor);
    }
    for (const partition of gone) handlers.revoked(partition);
    for (const partition of added) handlers.assigned(partition);
    this.reachable ||= partitions.length > 0;
  }

  async #loadCursor(partition: number, join: number): Promise<PartitionCursor> {
    const [offsets, all] = await Promise.all([
      committedOffsets(this.#admin, this.#group, this.#topic),
      extents(this.#admin, this.#topic),
    ]);
    const { low, high } = all.find((one) => one.partition === partition) ?? { low: 0, high: 0 };
    const { offset, metadata } = offsets.get(partition) ?? { offset: -1 };
    if (offset < 0) return new PartitionCursor(this.#logger, low, low, null, null);
    const cursor = PartitionCursor.committed(this.#logger, offset, low, metadata);
    if (join === this.#joins && offset <= high) this.#lookBack(partition, cursor, low);
    return cursor;
  }

  /**
   * Seeks back, so that the acked positions before the commit are known before any record can reach a feed. With the group's
   * own consumer: it has joined already.
   */
  #lookBack(partition: number, { authority, next }: PartitionCursor, low: number): void {
    if (authority === null || !this.#unchecked.has(partition)) return;
    const lookback = new CommitLookback(low, next, authority);
    if (lookback.from >= next) return;
    this.#lookbacks.set(partition, lookback);
    // The seek makes batches stale that were fetched from the commit on meanwhile; they are fetched again.
    this.#consumer?.seek({ topic: this.#topic, partition, offset: String(lookback.from) });
  }

  /** Feeds the lookback with the records before the commit. @returns the rest of the batch */
  #takeLookback(
    { partition, messages, highWatermark }: Batch,
    cursor: PartitionCursor,
    handlers: LogHandlers,
  ): readonly KafkaMessage[] {
    const lookback = this.#lookbacks.get(partition);
    const rest = lookback?.take(messages, Number(highWatermark)) ?? messages;
    if (lookback !== undefined && !lookback.done) return rest;
    this.#lookbacks.delete(partition);
    const acked = this.#unchecked.delete(partition) ? lookback?.positions() : undefined;
    if (acked !== undefined) handlers.resumed(partition, cursor.epoch(partition), acked);
    return rest;
  }

  /**
   * A batch may outlast its generation: after a rejoin, or a seek, the rest of the batch is not ours any more. So only the
   * messages that were handed on are resolved.
   */
  async #onBatch(payload: EachBatchPayload, handlers: LogHandlers): Promise<void> {
    const { batch, isStale, isRunning, heartbeat, resolveOffset } = payload;
    const { partition } = batch;
    const loading = this.#cursors.get(partition);
    const cursor = await loading;
    const isCurrent = () => isRunning() && !isStale() && this.#cursors.get(partition) === loading;
    if (cursor === undefined || !isCurrent()) return;
    this.reachable = true;
    const messages = this.#takeLookback(batch, cursor, handlers);
    if (messages.length === 0) {
      resolveOffset(batch.lastOffset());
      await heartbeat();
      return;
    }
    const expired = cursor.expiredBefore(messages);
    if (expired !== undefined) handlers.expired(partition, cursor.epoch(partition), expired);
    for (let from = 0; from < messages.length; from += SLICE) {
      const slice = messages.slice(from, from + SLICE);
      await this.#handOn(partition, cursor, slice, handlers);
      if (!isCurrent()) return;
      const last = slice.at(-1)?.offset ?? batch.lastOffset();
      resolveOffset(last);
      this.#lags.set(partition, Number(batch.highWatermark) - Number(last) - 1);
      await nextTurn();
      // Sends one when it is time for it.
      await heartbeat();
      if (!isCurrent()) return;
    }
    if (!cursor.mustStartOver(messages)) return;
    this.#logger.warn({ partition }, "the topic was made anew, reading it from its beginning");
    this.#consumer?.seek({ topic: this.#topic, partition, offset: "0" });
  }

  /** Hands on the records that count, for each epoch apart. */
  async #handOn(
    partition: number,
    cursor: PartitionCursor,
    messages: readonly KafkaMessage[],
    handlers: LogHandlers,
  ): Promise<void> {
    const voidedBefore = cursor.voided;
    for (const { epoch, records } of judged(partition, cursor, messages)) {
      if (records.length > 0) await handlers.records(partition, epoch, records);
    }
    this.#voided += cursor.voided - voidedBefore;
  }
}

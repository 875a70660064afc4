/** A member of a consumer group: joins, sends heartbeats, commits, and comes back whatever ends its membership. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka } from "kafkajs";
import { type Logger, reasonOf } from "../../../logger.ts";
import { askAgain } from "../ask-again.ts";
import { NewerFormatError } from "../format.ts";

/** A dead member's partitions are read on by another one within ten seconds. */
const SESSION_TIMEOUT = 6000;
const HEARTBEAT = 1500;
/** Before the group is joined again, ms. */
const PAUSE = 500;
/** ... after a record that a later version has written: whoever can read it takes the partitions over meanwhile. */
const LONG_PAUSE = 10_000;
/** A fetch is decoded in one go: of a backlog it may bring this much of a partition, bytes. */
const FETCH_BYTES = 256 * 1024;

export interface GroupOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  /** Partitions whose batches are handled at the same time. */
  readonly concurrency: number;
  readonly logger: Logger;
}

export interface GroupHandlers {
  /** Before the group is joined; an error puts it off. */
  prepare(): Promise<void>;
  /** A new generation: these are the partitions of this member. None of them is fetched before it is released. */
  joined(partitions: readonly number[]): void;
  /** Messages of a partition, in order; none of the next until they are handled. They resolve what they have handled. */
  batch(payload: EachBatchPayload): Promise<void>;
  /** The group has confirmed the membership. */
  confirmed(): void;
  /** The membership is over: no partition is this member's. */
  left(): void;
}

/** An offset to commit. */
export interface GroupCommit {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export class GroupMember {
  readonly #options: GroupOptions;
  #consumer: Consumer | undefined;
  readonly #stop = new AbortController();
  #fail: (error: Error) => void = () => undefined;
  /** Partitions of this generation that are not released yet. */
  readonly #held = new Set<number>();
  /** Partitions that the caller has paused. */
  readonly #paused = new Set<number>();
  /** Whether the group has been heard of since the last trouble. */
  reachable = false;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** Joins the group, and joins it again, until it is stopped. kafkajs itself rejoins after what it takes for passing. */
  async run(handlers: GroupHandlers): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await handlers.prepare();
        await this.#runOnce(handlers);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.reachable = false;
        const { logger } = this.#options;
        const isNewer = error instanceof NewerFormatError;
        if (isNewer) logger.error({ reason: reasonOf(error) }, "the log can't be read by this version");
        else logger.warn({ reason: reasonOf(error) }, "reading the log failed, trying again");
        // Cut short when told to stop.
        await sleep(isNewer ? LONG_PAUSE : PAUSE, undefined, this.#stop).catch(() => undefined);
      }
    }
  }

  /** @throws when another member has the partitions by now, or there is no membership */
  async commit(commits: readonly GroupCommit[]): Promise<void> {
    const { topic } = this.#options;
    if (this.#consumer === undefined) throw new Error("the partitions are no longer ours");
    await this.#consumer.commitOffsets(commits.map(({ offset, ...rest }) => ({ ...rest, topic, offset: `${offset}` })));
  }

  /** Reads a partition on from an offset. A batch of it that is being handled, or has been fetched, becomes stale. */
  seek(partition: number, offset: number): void {
    this.#consumer?.seek({ topic: this.#options.topic, partition, offset: `${offset}` });
  }

  /**
   * Has a partition fetched from an offset that is in the log. Left to itself kafkajs fetches from what is committed; where
   * retention has removed that, it commits "the beginning" in its place, at once and without metadata, and what we had
   * promised would be forgotten.
   */
  release(partition: number, offset: number): void {
    this.#held.delete(partition);
    this.seek(partition, offset);
    if (!this.#paused.has(partition)) this.#resume([partition]);
  }

  /** Ends the membership because of an error; the group is joined again. */
  rejoin(error: Error): void {
    this.#fail(error);
  }

  /** Stops fetching. */
  pause(partitions: readonly number[]): void {
    for (const partition of partitions) this.#paused.add(partition);
    this.#pause(partitions);
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) this.#paused.delete(partition);
    this.#resume(partitions.filter((partition) => !this.#held.has(partition)));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#consumer?.disconnect();
  }

  async #runOnce(handlers: GroupHandlers): Promise<void> {
    const { topic, concurrency } = this.#options;
    const consumer = this.#newConsumer();
    const { promise: crashed, reject: fail } = Promise.withResolvers<never>();
    // It may crash before we have come to waiting for that.
    crashed.catch(() => undefined);
    this.#follow(consumer, handlers, fail);
    this.#consumer = consumer;
    this.#fail = fail;
    try {
      await consumer.connect();
      await askAgain(() => consumer.subscribe({ topic, fromBeginning: true }));
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: concurrency,
        eachBatch: async (payload) => {
          try {
            this.reachable = true;
            await handlers.batch(payload);
          } catch (error) {
            // kafkajs would give it again and again, without a word.
            if (!(error instanceof NewerFormatError)) throw error;
            fail(error);
          }
        },
      });
      await crashed;
    } finally {
      this.#consumer = undefined;
      this.#fail = () => undefined;
      this.#hold([]);
      handlers.left();
      await consumer.disconnect();
    }
  }

  #newConsumer(): Consumer {
    return this.#options.kafka.consumer({
      groupId: this.#options.groupId,
      sessionTimeout: SESSION_TIMEOUT,
      heartbeatInterval: HEARTBEAT,
      rebalanceTimeout: SESSION_TIMEOUT,
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: FETCH_BYTES,
      metadataMaxAge: 3000,
      allowAutoTopicCreation: false,
    });
  }

  /** @param fail is told when kafkajs gives the membership up */
  #follow(consumer: Consumer, handlers: GroupHandlers, fail: (error: Error) => void): void {
    const { topic, logger } = this.#options;
    const { CRASH, GROUP_JOIN, HEARTBEAT: BEAT } = consumer.events;
    consumer.on(CRASH, ({ payload }) => {
      this.reachable = false;
      if (!payload.restart) fail(payload.error);
    });
    consumer.on(GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      logger.info({ partitions }, "joined the group");
      // Before its first fetch: kafkajs emits this from within joining.
      this.#hold(partitions);
      handlers.joined(partitions);
      this.reachable ||= partitions.length > 0;
    });
    consumer.on(BEAT, () => {
      this.reachable = true;
      handlers.confirmed();
    });
  }

  /** Begins a generation with these partitions. */
  #hold(partitions: readonly number[]): void {
    this.#held.clear();
    for (const partition of partitions) this.#held.add(partition);
    for (const partition of this.#paused) if (!this.#held.has(partition)) this.#paused.delete(partition);
    this.#pause(partitions);
  }

  #pause(partitions: readonly number[]): void {
    const { topic } = this.#options;
    if (partitions.length > 0) this.#consumer?.pause([{ topic, partitions: [...partitions] }]);
  }

  #resume(partitions: readonly number[]): void {
    const { topic } = this.#options;
    if (partitions.length > 0) this.#consumer?.resume([{ topic, partitions: [...partitions] }]);
  }
}

/** The pusher's side of a Kafka log: a member of the exchange's consumer group. */

import type { Admin, Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { z } from "zod";
import { type Authority, admit } from "../../../protocol/log-record.ts";
import { epochOf } from "../../../protocol/position.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import type { AuthorityFrom, Commit, Expired, LogHandlers, LogRecord, TickReader } from "../log.ts";
import { createKafka, type KafkaSettings, names } from "./client.ts";
import { createPartitioner } from "./partitioner.ts";
import { readRanges } from "./read-range.ts";
import { fromMessage } from "./records.ts";
import { extents } from "./topics.ts";

/** A dead ingestor's partitions reach clients again within ten seconds. */
const SESSION_TIMEOUT = 6000;
const HEARTBEAT = 1500;
const PAUSE = 500;

/** Between two of the log times that are remembered, ms. */
const TIME_STEP = 1000;

interface LogTime {
  readonly offset: number;
  readonly logged: number;
}

/** Where this reader stands in a partition. */
interface Place {
  /** The next offset to come; a smaller one means that the topic was made anew. */
  next: number;
  /** Where reading without authority began. */
  readFrom: number;
  authority: Authority | null;
  /** From which offset which authority held, for reading again; what is committed is dropped. */
  history: AuthorityFrom[];
  /** Log times (ms) of some of the records read, one a second: since when something that has expired may be missing. */
  times: LogTime[];
  /** Incarnations for whose markers the log has been searched from its beginning. */
  readonly unknown: Set<string>;
}

export class KafkaReader implements TickReader {
  readonly #settings: KafkaSettings;
  readonly #logger: Logger;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #topic: string;
  readonly #group: string;
  readonly #places = new Map<number, Promise<Place>>();
  #partitionOf: (instrument: string) => number = () => -1;
  #consumer: Consumer | undefined;
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

  async commit(commits: readonly Commit[]): Promise<void> {
    const consumer = this.#consumer;
    const places = await Promise.all(commits.map(({ partition }) => this.#places.get(partition)));
    const offsets = commits.flatMap(({ partition, offset }, i) => {
      const place = places[i];
      // Another one's by now: what we know of it is of no use to its owner.
      if (place === undefined) return [];
      return { topic: this.#topic, partition, offset: String(offset), place };
    });
    if (consumer === undefined || offsets.length < commits.length) throw new Error("the partitions are no longer ours");
    await consumer.commitOffsets(
      offsets.map(({ place, ...one }) => ({
        ...one,
        metadata: JSON.stringify({
          authority: authorityAt(place, Number(one.offset)),
          logged: timeBefore(place, Number(one.offset)),
        }),
      })),
    );
    for (const { place, offset } of offsets) forget(place, Number(offset));
  }

  pause(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#consumer?.pause([{ topic: this.#topic, partitions: [...partitions] }]);
  }

  resume(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#consumer?.resume([{ topic: this.#topic, partitions: [...partitions] }]);
  }

  async reread(
    partition: number,
    offset: number,
    take: (epoch: string, records: readonly LogRecord[], next: number, expired?: Expired) => Promise<boolean>,
  ): Promise<void> {
    const place = await this.#places.get(partition);
    if (place === undefined) return;
    const authority = authorityAt(place, offset);
    // Without authority the records before the oldest one we know of are taken at their own word.
    const readFrom = authority === null && place.readFrom > 0 ? offset : place.readFrom;
    const start = newPlace(offset, readFrom, authority);
    start.times = [{ offset: offset - 1, logged: timeBefore(place, offset) ?? 0 }];
    await readRanges(
      this.#kafka,
      this.#topic,
      [{ partition, from: offset, to: Number.MAX_SAFE_INTEGER }],
      (_, messages) => {
        const expired = expiredBefore(start, messages);
        const records = messages.flatMap((message) => this.#judge(start, message) ?? []);
        const epoch = epochOf(start.authority?.incarnation ?? "", partition);
        return take(epoch, records, Number(messages.at(-1)?.offset ?? offset) + 1, expired);
      },
    );
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
      await consumer.subscribe({ topic: this.#topic, fromBeginning: true });
      const partitionsConsumedConcurrently = this.#settings.partitions;
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently,
        eachBatch: (payload) => this.#onBatch(payload, handlers),
      });
      await crashed;
    } finally {
      this.#consumer = undefined;
      for (const partition of this.#places.keys()) handlers.revoked(partition);
      this.#places.clear();
      await consumer.disconnect();
    }
  }

  /** After a join everything is read again from what is committed, so what was known of places is learnt anew. */
  #assign(partitions: readonly number[], handlers: LogHandlers): void {
    this.#logger.info({ partitions }, "joined the group");
    const gone = [...this.#places.keys()].filter((partition) => !partitions.includes(partition));
    const added = partitions.filter((partition) => !this.#places.has(partition));
    this.#places.clear();
    for (const partition of partitions) {
      const place = this.#learnPlace(partition);
      place.catch((error) =>
        this.#logger.warn({ reason: reasonOf(error), partition }, "reading the committed position failed"),
      );
      this.#places.set(partition, place);
    }
    for (const partition of gone) handlers.revoked(partition);
    for (const partition of added) handlers.assigned(partition);
    this.reachable ||= partitions.length > 0;
  }

  async #learnPlace(partition: number): Promise<Place> {
    const [topics, all] = await Promise.all([
      this.#admin.fetchOffsets({ groupId: this.#group, topics: [this.#topic] }),
      extents(this.#admin, this.#topic),
    ]);
    const committed = topics[0]?.partitions.find((one) => one.partition === partition);
    const low = all.find((one) => one.partition === partition)?.low ?? 0;
    const offset = Number(committed?.offset ?? -1);
    if (offset < 0) return newPlace(low, low, null);
    const { authority, logged } = readMetadata(committed?.metadata);
    const place = newPlace(offset, Math.max(low, offset), authority);
    if (logged !== null) place.times = [{ offset: offset - 1, logged }];
    return place;
  }

  async #onBatch({ batch, isStale }: EachBatchPayload, handlers: LogHandlers): Promise<void> {
    const place = await this.#places.get(batch.partition);
    if (place === undefined || isStale()) return;
    this.reachable = true;
    let records: LogRecord[] = [];
    let epoch = epochNow(place, batch.partition);
    const expired = expiredBefore(place, batch.messages);
    if (expired !== undefined) handlers.expired(batch.partition, epoch, expired);
    for (const message of batch.messages) {
      const record = this.#judge(place, message);
      const current = epochNow(place, batch.partition);
      if (current !== epoch) {
        if (records.length > 0) await handlers.records(batch.partition, epoch, records);
        records = [];
        epoch = current;
      }
      if (record !== undefined) records.push(record);
    }
    if (records.length > 0) await handlers.records(batch.partition, epoch, records);
    if (this.#replacedUnseen(place, batch))
      this.#consumer?.seek({ topic: this.#topic, partition: batch.partition, offset: "0" });
  }

  /** Whether a record counts, and what it says of the partition's authority. */
  #judge(place: Place, message: EachBatchPayload["batch"]["messages"][number]): LogRecord | undefined {
    const offset = Number(message.offset);
    const record = fromMessage(message);
    if (offset < place.next) this.#goBack(place, offset, record?.origin.incarnation);
    place.next = offset + 1;
    const logged = Number(message.timestamp);
    if (logged - (place.times.at(-1)?.logged ?? 0) >= TIME_STEP) place.times.push({ offset, logged });
    if (record === undefined) return undefined;
    const { counts, authority } = admit(place.authority, record.origin, offset, place.readFrom);
    if (authority !== place.authority) place.history.push({ offset, authority });
    place.authority = authority;
    return counts ? record : undefined;
  }

  /** Offsets only grow: either the same log is read again from further back, or the topic was made anew. */
  #goBack(place: Place, offset: number, incarnation: string | undefined): void {
    if (place.authority !== null && incarnation === place.authority.incarnation) {
      Object.assign(place, { authority: authorityAt(place, offset), readFrom: Math.min(place.readFrom, offset) });
      return;
    }
    this.#logger.warn({ offset, expected: place.next }, "the topic was made anew");
    // From its beginning nothing counts until the first marker; where that has expired, records have their own word.
    Object.assign(place, newPlace(offset, offset, null), { unknown: place.unknown });
  }

  /**
   * A topic made anew may have grown past our position before we looked: then its records are all of an incarnation that we
   * have seen no marker of, and it is read from its beginning. Once for each: a collector that has lost the log to another
   * goes on writing under its own incarnation.
   */
  #replacedUnseen(place: Place, { messages, partition }: EachBatchPayload["batch"]): boolean {
    const last = messages.at(-1);
    const origin = last === undefined ? undefined : fromMessage(last)?.origin;
    if (origin === undefined || place.authority === null) return false;
    const { incarnation } = origin;
    const seen = place.history.some(({ authority }) => authority?.incarnation === incarnation);
    if (seen || place.unknown.has(incarnation)) return false;
    place.unknown.add(incarnation);
    this.#logger.warn({ partition }, "the topic was made anew, reading it from its beginning");
    Object.assign(place, { next: Number.MAX_SAFE_INTEGER });
    return true;
  }
}

function newPlace(next: number, readFrom: number, authority: Authority | null): Place {
  return { next, readFrom, authority, history: [{ offset: next - 1, authority }], times: [], unknown: new Set() };
}

function epochNow(place: Place, partition: number): string {
  return epochOf(place.authority?.incarnation ?? "", partition);
}

function authorityAt(place: Place, offset: number): Authority | null {
  return place.history.findLast((one) => one.offset < offset)?.authority ?? null;
}

/** Log time (ms) of a record shortly before an offset; null where none is known. */
function timeBefore(place: Place, offset: number): number | null {
  return place.times.findLast((one) => one.offset < offset)?.logged ?? null;
}

/**
 * What retention has taken away before it was read. Offsets of a topic without transactions have no holes of their own.
 * Only where we know how far we were: a reader without a position has promised nothing.
 */
function expiredBefore(place: Place, messages: readonly KafkaMessage[]): Expired | undefined {
  const first = messages[0];
  if (first === undefined || Number(first.offset) <= place.next) return undefined;
  const since = timeBefore(place, place.next);
  const incarnation = fromMessage(first)?.origin.incarnation;
  const sameLog = place.authority !== null && incarnation === place.authority.incarnation;
  if (since === null || !sameLog) return undefined;
  return { seq: Number(first.offset) - 1, since, until: Number(first.timestamp) };
}

function forget(place: Place, offset: number): void {
  const index = place.history.findLastIndex((one) => one.offset < offset);
  if (index > 0) place.history = place.history.slice(index);
  const time = place.times.findLastIndex((one) => one.offset < offset);
  if (time > 0) place.times = place.times.slice(time);
}

/** What a commit says besides its offset. */
const commitMetadata = z.object({
  authority: z.object({ incarnation: z.string(), term: z.int().positive() }).nullable(),
  logged: z.number().nullable(),
});

function readMetadata(metadata: string | null | undefined): z.infer<typeof commitMetadata> {
  if (!metadata) return { authority: null, logged: null };
  return commitMetadata.parse(JSON.parse(metadata));
}

/** What the tests of a log in Kafka share: one broker for the file, topics of its own for each test. */

import type { Admin, Kafka, KafkaMessage } from "kafkajs";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { AckedBefore, Expired, LogHandlers, LogRecord } from "../log.ts";
import { createKafka, KAFKA_DEFAULTS, type KafkaSettings, names } from "./client.ts";
import { extents } from "./offsets.ts";
import { readRanges } from "./read/read-range.ts";
import { KafkaReader } from "./read/reader.ts";
import { fromMessage } from "./records.ts";
import { KafkaWriter } from "./write/writer.ts";

const EXCHANGE = "upbit";
export const BTC = "upbit:BTC-KRW";
export const ETH = "upbit:ETH-KRW";

interface Brokers {
  readonly brokers: readonly string[];
  stop(): Promise<void>;
}

/** Executed at 1000 ms and its id, received a second later. */
export function trade(id: number, instrument = BTC): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", time: 1000 + id, received: 2000 + id, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, ...rest };
}

export class TestLog {
  readonly logger = pino({ level: "silent" });
  settings: KafkaSettings;
  readonly #cleanUps: (() => Promise<void>)[] = [];

  constructor(settings: KafkaSettings) {
    this.settings = settings;
  }

  get topic(): string {
    return names(this.settings.prefix, EXCHANGE).ticks;
  }

  get rawTopic(): string {
    return names(this.settings.prefix, EXCHANGE).raw;
  }

  get kafka(): Kafka {
    return createKafka(this.settings, this.logger);
  }

  /** Closed after the test. */
  newWriter(settings: Partial<KafkaSettings> = {}, logger = this.logger): KafkaWriter {
    const writer = new KafkaWriter({ ...this.settings, ...settings }, EXCHANGE, logger);
    this.#cleanUps.push(() => writer.close());
    return writer;
  }

  /** A writer that has taken the log over, and written these. */
  async write(...events: readonly TradeEvent[]): Promise<KafkaWriter> {
    const writer = this.newWriter();
    await writer.open(0);
    for (const event of events) writer.append(event);
    await writer.flushed();
    return writer;
  }

  /** A reader of the pusher's group that has been started. */
  async read<T extends LogHandlers>(handlers: T): Promise<{ reader: KafkaReader; heard: T }> {
    const reader = this.newReader();
    await reader.start(handlers);
    return { reader, heard: handlers };
  }

  /** Stopped after the test. */
  newReader(): KafkaReader {
    const reader = new KafkaReader(this.settings, EXCHANGE, this.logger);
    this.#cleanUps.push(() => reader.stop());
    return reader;
  }

  async onAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Every message of a topic, by partition. */
  async messages(topic = this.topic): Promise<{ readonly partition: number; readonly message: KafkaMessage }[]> {
    const all = await this.onAdmin((admin) => extents(admin, topic));
    const found: { partition: number; message: KafkaMessage }[] = [];
    const ranges = all.map(({ partition, low, high }) => ({ partition, from: low, to: high }));
    await readRanges(this.kafka, topic, ranges, (partition, messages) => {
      found.push(...messages.map((message) => ({ partition, message })));
      return true;
    });
    return found.sort((a, b) => a.partition - b.partition);
  }

  /** Every record of the log, whether it counts or not. */
  async records(): Promise<(LogRecord & { readonly partition: number })[]> {
    const all = await this.messages();
    return all.flatMap(({ partition, message }) => {
      const record = fromMessage(message);
      return record === undefined ? [] : [{ ...record, partition }];
    });
  }

  /** Takes the records before an offset away, as retention does. */
  async expire(partition: number, offset: number): Promise<void> {
    await this.onAdmin(async (admin) => {
      // kafkajs deletes only of topics that it has heard of.
      await extents(admin, this.topic);
      await admin.deleteTopicRecords({ topic: this.topic, partitions: [{ partition, offset: `${offset}` }] });
    });
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.#cleanUps.map((one) => one()));
  }
}

/**
 * For the tests of one `describe`.
 *
 * @param start starts the broker
 * @returns the log of the test that runs, and the broker
 */
export function useTestLog<T extends Brokers>(
  start: () => Promise<T>,
  settings: Partial<KafkaSettings> = {},
): { readonly log: () => TestLog; readonly cluster: () => T } {
  let cluster: T | undefined;
  let log: TestLog | undefined;
  let count = 0;
  const started = <V>(value: V | undefined): V => {
    if (value === undefined) throw new Error("not started yet");
    return value;
  };
  beforeAll(async () => {
    cluster = await start();
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => {
    count += 1;
    const { brokers } = started(cluster);
    log = new TestLog({ ...KAFKA_DEFAULTS, brokers, ssl: false, prefix: `t${count}.`, ...settings });
  });
  afterEach(() => log?.cleanUp());
  return { log: () => started(log), cluster: () => started(cluster) };
}

/** Keeps what a reader is told. */
export class Heard implements LogHandlers {
  /** The names of the calls, but for confirmations. */
  readonly calls: string[] = [];
  readonly owned = new Set<number>();
  readonly ids: string[] = [];
  /** Of trades. */
  readonly offsets: number[] = [];
  readonly epochs: string[] = [];
  readonly acked: AckedBefore[] = [];
  readonly expiries: Expired[] = [];
  confirmations = 0;
  /** How long this process is busy with each trade, ms. */
  readonly #work: number;

  constructor(work = 0) {
    this.#work = work;
  }

  /** That of the last records. */
  get epoch(): string {
    return this.epochs.at(-1) ?? "";
  }

  assigned(partition: number): void {
    this.calls.push("assigned");
    this.owned.add(partition);
  }

  revoked(partition: number): void {
    this.calls.push("revoked");
    this.owned.delete(partition);
  }

  resumed(_partition: number, epoch: string, acked: AckedBefore): void {
    this.calls.push("resumed");
    this.#in(epoch);
    this.acked.push(acked);
  }

  records(_partition: number, epoch: string, records: readonly LogRecord[]): void {
    this.calls.push("records");
    this.#in(epoch);
    for (const { type, value, offset } of records) {
      if (type !== "trade") continue;
      for (const end = performance.now() + this.#work; performance.now() < end; );
      this.offsets.push(offset);
      this.ids.push((JSON.parse(value) as TradeEvent).id ?? "");
    }
  }

  expired(_partition: number, _epoch: string, expired: Expired): void {
    this.calls.push("expired");
    this.expiries.push(expired);
  }

  confirmed(): void {
    this.confirmations += 1;
  }

  #in(epoch: string): void {
    if (epoch !== this.epochs.at(-1)) this.epochs.push(epoch);
  }
}

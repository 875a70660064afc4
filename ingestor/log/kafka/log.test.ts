/** Writer and reader of a Kafka log against a real Kafka; each test has topics of its own. */

import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { deleteTopic } from "../../../local/kafka/delete-topic.ts";
import type { Kafka } from "../../../local/kafka.ts";
import { requireKafka, until } from "../../../local/testing.ts";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Expired, LogHandlers, LogRecord } from "../log.ts";
import { createKafka, KAFKA_DEFAULTS, type KafkaSettings, names } from "./client.ts";
import { extents } from "./offsets.ts";
import { readRanges } from "./read-range.ts";
import { KafkaReader } from "./reader.ts";
import { fromMessage, toMessage } from "./records.ts";
import { KafkaWriter } from "./writer.ts";

const kafka = await requireKafka();
const logger = pino({ level: "silent" });
const [BTC, ETH] = ["upbit:BTC-KRW", "upbit:ETH-KRW"];

function trade(id: number, instrument = BTC): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", time: 1000 + id, received: 2000 + id, snapshot: false } as const;
  return { type: "trade", instrument: instrument ?? "", id: `${id}`, ...rest };
}

kafka.describe("the log in Kafka", () => {
  let cluster: Kafka;
  let settings: KafkaSettings;
  let cleanUps: (() => Promise<void>)[];
  let count = 0;

  beforeAll(async () => {
    cluster = await kafka.start();
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => {
    count += 1;
    cleanUps = [];
    settings = { ...KAFKA_DEFAULTS, brokers: cluster.brokers, ssl: false, prefix: `t${count}.`, partitions: 2 };
  });
  afterEach(() => Promise.all(cleanUps.map((one) => one())));

  async function write(...ids: number[]): Promise<KafkaWriter> {
    const writer = newWriter();
    await writer.open(0);
    for (const id of ids) writer.append(trade(id));
    await writer.flushed();
    return writer;
  }
  function newWriter(): KafkaWriter {
    const writer = new KafkaWriter(settings, "upbit", logger);
    cleanUps.push(() => writer.close());
    return writer;
  }

  /** What a reader is given, and the epochs it stands in. */
  class Seen implements LogHandlers {
    readonly owned = new Set<number>();
    readonly ids: string[] = [];
    readonly offsets: number[] = [];
    readonly epochs = new Set<string>();
    confirmations = 0;
    /** How long this process is busy with each event, ms. */
    readonly #work: number;
    constructor(work = 0) {
      this.#work = work;
    }
    assigned(partition: number): void {
      this.owned.add(partition);
    }
    revoked(partition: number): void {
      this.owned.delete(partition);
    }
    resumed(): void {
      return;
    }
    records(_partition: number, epoch: string, records: readonly LogRecord[]): void {
      for (const { type, value, offset } of records) {
        if (type !== "trade") continue;
        for (const until = performance.now() + this.#work; performance.now() < until; );
        this.epochs.add(epoch);
        this.offsets.push(offset);
        this.ids.push((JSON.parse(value) as TradeEvent).id ?? "");
      }
    }
    confirmed(): void {
      this.confirmations += 1;
    }
    readonly expiries: Expired[] = [];
    expired(_partition: number, _epoch: string, expired: Expired): void {
      this.expiries.push(expired);
    }
  }
  async function read(seen = new Seen()): Promise<{ reader: KafkaReader; seen: Seen }> {
    const reader = new KafkaReader(settings, "upbit", logger);
    cleanUps.push(() => reader.stop());
    await reader.start(seen);
    return { reader, seen };
  }

  /** Every record there is, whatever it counts. */
  async function readAll(): Promise<(LogRecord & { partition: number })[]> {
    const topic = names(settings.prefix, "upbit").ticks;
    const client = createKafka(settings, logger);
    const admin = client.admin();
    await admin.connect();
    const ranges = (await extents(admin, topic)).map(({ partition, low, high }) => ({
      partition,
      from: low,
      to: high,
    }));
    await admin.disconnect();
    const all: (LogRecord & { partition: number })[] = [];
    await readRanges(client, topic, ranges, (partition, messages) => {
      for (const record of messages.map(fromMessage)) if (record !== undefined) all.push({ ...record, partition });
      return true;
    });
    return all;
  }

  it("begins a new log with two markers, and goes on after a restart with nothing twice", async () => {
    const first = await write(1, 2);
    await first.close();
    const second = newWriter();
    const tails = await second.open(0);
    const tail = tails[second.partitionOf(BTC ?? "")];
    expect(tail?.events.map((event) => event.type === "trade" && event.id)).toEqual(["1", "2"]);
    expect(tail).toMatchObject({ completeFrom: 0, completeUntil: 1002 });
    second.append(trade(3));
    await second.flushed();
    const { seen } = await read();
    await until(() => seen.ids.length === 3);
    expect([seen.ids, seen.offsets, seen.epochs.size]).toEqual([["1", "2", "3"], [2, 3, 5], 1]);
  });

  it("tells what has expired before it was read, and of nothing where it had promised nothing", async () => {
    const writer = await write(1, 2, 3);
    const partition = writer.partitionOf(BTC ?? "");
    const { reader, seen } = await read();
    await until(() => seen.ids.length === 3);
    await reader.commit([{ partition, epoch: [...seen.epochs][0] ?? "", offset: 4 }]);
    await reader.stop();
    for (const id of [4, 5, 6, 7]) writer.append(trade(id));
    await writer.flushed();
    const admin = createKafka(settings, logger).admin();
    await admin.connect();
    const topic = names(settings.prefix, "upbit").ticks;
    // kafkajs deletes only of topics that it has heard of.
    await extents(admin, topic);
    await admin.deleteTopicRecords({
      topic,
      partitions: [{ partition, offset: "7" }],
    });
    await admin.disconnect();
    const later = (await read()).seen;
    await until(() => later.ids.length === 2);
    expect([later.ids, later.expiries]).toEqual([
      ["6", "7"],
      [{ seq: 6, since: expect.any(Number), until: expect.any(Number) }],
    ]);
    expect(later.expiries[0]?.since).toBeLessThanOrEqual(later.expiries[0]?.until ?? 0);
    expect(seen.expiries).toEqual([]);
  });

  it("relies on the receipt of a trade that is dated in the future", async () => {
    const first = await write(1);
    first.append({ ...trade(2), time: 1_000_000, received: 1500 });
    await first.flushed();
    const tails = await newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([1500, null]);
  });

  it("says that a trade is lost which is too large for the log, and goes on", async () => {
    const writer = newWriter();
    await writer.open(0);
    writer.append(trade(1));
    writer.append({ ...trade(2), price: "9".repeat(2_000_000) });
    writer.append(trade(3));
    await writer.flushed();
    const written = (await readAll()).flatMap(({ type, value }) => (type === "marker" ? [] : [JSON.parse(value)]));
    const lost = { type: "gap", instrument: BTC, cause: "unreadable_frame", since: 1002, until: 1003, state: "lost" };
    expect(written).toMatchObject([{ id: "1" }, lost, { id: "3" }]);
    expect(writer.refused).toBe(1);
  });

  it("says only in partitions with an open gap that something is being fetched, also after a takeover", async () => {
    const gap = {
      type: "gap",
      cause: "exchange_disconnect",
      since: 5,
      until: 6,
      state: "open",
      received: null,
    } as const;
    const first = await write(1);
    first.append({ ...gap, instrument: BTC ?? "" });
    await first.flushed();
    await first.close();
    const second = newWriter();
    await second.open(0);
    second.announce({ state: "live", source: "live", since: 1, healing: 5 });
    await second.flushed();
    const all = await readAll();
    const said = all.flatMap(({ partition, type, value }) =>
      type === "status" ? [[partition, JSON.parse(value)]] : [],
    );
    const mine = second.partitionOf(BTC ?? "");
    expect(Object.fromEntries(said)).toEqual({
      [mine]: { state: "live", source: "live", since: 1, healing: 5 },
      [1 - mine]: { state: "live", source: "live", since: 1 },
    });
  });

  it("takes no status for a sign of what was collected", async () => {
    const first = await write(1);
    first.announce({ state: "down", source: "live", since: 1 });
    await first.flushed();
    const tails = await newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([1001, null]);
  });

  it("writes under the term it is given, and above those that the log has seen", async () => {
    const first = newWriter();
    await first.open(7);
    expect(first.term).toBe(7);
    const second = newWriter();
    await second.open(3);
    expect(second.term).toBe(8);
  });

  it("notices in the log that another collector has taken it over, and leaves what it finds to readers", async () => {
    const first = await write(1);
    let superseded = false;
    void first.superseded.then(() => {
      superseded = true;
    });
    first.append(trade(2));
    await first.flushed();
    const second = newWriter();
    await second.open(0);
    first.append(trade(3));
    await until(() => superseded);
    second.append(trade(4));
    await second.flushed();
    const { seen } = await read();
    await until(() => seen.ids.includes("4"));
    expect(seen.ids).toEqual(["1", "2", "4"]);
  });

  it("takes over the gaps that its predecessor suspected", async () => {
    const first = await write(1, 2);
    first.announce({ state: "live", source: "live", since: 1, doubted: 700 });
    await first.flushed();
    const tails = await newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([700, null]);
  });

  it("reads more of a tail than a number of records where those are of the last seconds", async () => {
    const first = newWriter();
    await first.open(0);
    const begun = Date.now();
    for (let id = 1; id <= 8000; id += 1) first.append({ ...trade(id), time: begun });
    await first.flushed();
    const tails = await newWriter().open(0);
    const [tail] = tails.filter(({ events }) => events.length > 0);
    expect([tail?.events.length, tail?.completeFrom]).toEqual([8000, 0]);
  });

  it("gives a log that was begun by half the markers it lacks", async () => {
    const admin = createKafka(settings, logger).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: names(settings.prefix, "upbit").ticks, numPartitions: 2 }] });
    const producer = createKafka(settings, logger).producer();
    await producer.connect();
    const marker = { key: "marker", value: "{}", type: "marker" } as const;
    const messages = [0, 1].map((i) => toMessage(marker, { incarnation: "half", term: 1 }, 0, i));
    await producer.send({ topic: names(settings.prefix, "upbit").ticks, messages });
    await write();
    const all = await extents(admin, names(settings.prefix, "upbit").ticks);
    expect(all.map(({ high }) => high)).toEqual([3, 2]);
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  });

  it("lets one of two collectors that start at once have the log: what the other writes is void", async () => {
    await (await write(1)).close();
    const [a, b] = [newWriter(), newWriter()];
    await Promise.all([a.open(0), b.open(0)]);
    for (let id = 10; id < 15; id += 1) for (const writer of [a, b]) writer.append(trade(id));
    await Promise.all([a.flushed(), b.flushed()]);
    const { seen } = await read();
    await until(() => seen.ids.filter((id) => id === "14").length >= 1);
    const after = newWriter();
    await after.open(0);
    after.append(trade(99));
    await after.flushed();
    await until(() => seen.ids.at(-1) === "99");
    expect(seen.ids).toEqual(["1", "10", "11", "12", "13", "14", "99"]);
  });

  it("resumes from what was committed, and knows there whose records are void", async () => {
    const old = await write(1, 2);
    const current = await write(3);
    const first = await read();
    await until(() => first.seen.ids.length === 3 && first.seen.confirmations > 0);
    const partition = old.partitionOf(BTC ?? "");
    const offset = (first.seen.offsets.at(-1) ?? 0) + 1;
    const [epoch = ""] = first.seen.epochs;
    await expect(first.reader.commit([{ partition, epoch: "another-0", offset: 1 }])).rejects.toThrow("no longer ours");
    await first.reader.commit([{ partition, epoch, offset }]);
    await first.reader.stop();
    old.append(trade(4));
    await old.flushed();
    current.append(trade(5));
    await current.flushed();
    const second = await read();
    await until(() => second.seen.ids.length >= 1);
    expect(second.seen.ids).toEqual(["5"]);
  });

  it("reads again what follows a position, up to where it is told to stop", async () => {
    const writer = await write(1, 2, 3, 4);
    const { reader, seen } = await read();
    await until(() => seen.ids.length === 4);
    const again: number[] = [];
    await reader.catchUp(writer.partitionOf(BTC ?? ""), 2, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 6;
    });
    expect(again).toEqual([3, 4, 5]);
  });

  it("stays in its group however long a batch takes", async () => {
    await write(...Array.from({ length: 2000 }, (_, i) => i));
    // 10 s in all, against a session of 6 s. Who falls out reads from the commit again.
    const { seen } = await read(new Seen(5));
    await until(() => seen.ids.length >= 2000);
    expect(seen.ids).toEqual(Array.from({ length: 2000 }, (_, i) => `${i}`));
    expect(seen.confirmations).toBeGreaterThan(3);
  });

  it("hands partitions over to a second reader, and refuses to commit what is another's", async () => {
    await write(1);
    const first = await read();
    await until(() => first.seen.owned.size === 2);
    const second = await read();
    await until(() => first.seen.owned.size === 1 && second.seen.owned.size === 1);
    const [theirs] = second.seen.owned;
    await expect(first.reader.commit([{ partition: theirs ?? -1, epoch: "", offset: 1 }])).rejects.toThrow(
      "no longer ours",
    );
    await second.reader.stop();
    await until(() => first.seen.owned.size === 2);
  });

  it("makes a topic anew that was deleted, and its readers follow into the new epoch", async () => {
    const writer = await write(1, 2, 3);
    const { seen } = await read();
    await until(() => seen.ids.length === 3);
    await deleteTopic(createKafka(settings, logger), names(settings.prefix, "upbit").ticks);
    writer.append(trade(4));
    await writer.flushed();
    await until(() => seen.ids.at(-1) === "4");
    expect([seen.ids, seen.epochs.size]).toEqual([["1", "2", "3", "4"], 2]);
  });

  it("writes what a broker that was away had in flight exactly once", async () => {
    const writer = await write();
    const { seen } = await read();
    const [node] = cluster.nodes;
    let id = 0;
    const more = (until: number) => {
      for (; id < until; id += 1) {
        writer.append(trade(id));
        writer.append(trade(100_000 + id, ETH));
      }
    };
    more(2000);
    await node?.kill();
    more(4000);
    await node?.start();
    more(4100);
    await writer.flushed();
    await until(() => seen.ids.length >= 8200);
    expect([seen.ids.length, new Set(seen.ids).size]).toEqual([8200, 8200]);
  });

  it("can be closed while the log can't be reached", async () => {
    settings = { ...settings, brokers: ["127.0.0.1:1"] };
    const writer = newWriter();
    const opening = expect(writer.open(0)).rejects.toThrow("taking the log over");
    const { reader } = await read();
    await Promise.all([writer.close(), reader.stop()]);
    await opening;
  });
});

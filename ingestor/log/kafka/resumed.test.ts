/** What a reader that begins in the middle of a real Kafka's log makes of what stands before it. */

import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Kafka } from "../../../local/kafka.ts";
import { requireKafka, until } from "../../../local/testing.ts";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { AckedBefore, LogHandlers, LogRecord } from "../log.ts";
import { KAFKA_DEFAULTS, type KafkaSettings } from "./client.ts";
import { LOOKBACK } from "./commit-lookback.ts";
import { KafkaReader } from "./reader.ts";
import { KafkaWriter } from "./writer.ts";

const kafka = await requireKafka();
const logger = pino({ level: "silent" });
const [BTC, ETH, XRP] = ["upbit:BTC-KRW", "upbit:ETH-KRW", "upbit:XRP-KRW"] as const;

function trade(id: number, instrument: string): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", time: id, received: id, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, ...rest };
}

/** What a reader says, in the order in which it says it. */
class Heard implements LogHandlers {
  readonly calls: string[] = [];
  readonly offsets: number[] = [];
  readonly acked: AckedBefore[] = [];
  epoch = "";
  assigned(): void {
    this.calls.push("assigned");
  }
  revoked(): void {
    this.calls.push("revoked");
  }
  resumed(_partition: number, epoch: string, acked: AckedBefore): void {
    this.calls.push("resumed");
    this.epoch = epoch;
    this.acked.push(acked);
  }
  records(_partition: number, epoch: string, records: readonly LogRecord[]): void {
    this.calls.push("records");
    this.epoch = epoch;
    this.offsets.push(...records.map(({ offset }) => offset));
  }
  expired(): void {
    this.calls.push("expired");
  }
  confirmed(): void {
    return;
  }
}

kafka.describe("a reader that goes on from a commit", () => {
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
    settings = { ...KAFKA_DEFAULTS, brokers: cluster.brokers, ssl: false, prefix: `r${count}.`, partitions: 1 };
  });
  afterEach(() => Promise.all(cleanUps.map((one) => one())));

  async function newWriter(): Promise<KafkaWriter> {
    const writer = new KafkaWriter(settings, "upbit", logger);
    cleanUps.push(() => writer.close());
    await writer.open(0);
    return writer;
  }
  async function append(writer: KafkaWriter, ...events: readonly (readonly [number, string])[]): Promise<void> {
    for (const [id, instrument] of events) writer.append(trade(id, instrument));
    await writer.flushed();
  }
  async function read(): Promise<{ reader: KafkaReader; heard: Heard }> {
    const [reader, heard] = [new KafkaReader(settings, "upbit", logger), new Heard()];
    cleanUps.push(() => reader.stop());
    await reader.start(heard);
    return { reader, heard };
  }
  async function readAndCommit(upTo: number, partition = 0): Promise<void> {
    const { reader, heard } = await read();
    await until(() => heard.offsets.includes(upTo - 1));
    expect(heard.calls).not.toContain("resumed");
    await until(() =>
      reader.commit([{ partition, epoch: heard.epoch, offset: upTo }]).then(
        () => true,
        () => false,
      ),
    );
    await reader.stop();
  }

  it("says first what the feeds had acked, void records left out, and reads on from the commit with nothing twice", async () => {
    const old = await newWriter();
    // 0 and 1 are the opening markers.
    await append(old, [2, BTC], [3, ETH], [4, XRP]);
    const current = await newWriter();
    // 5 is its marker; 6 is void.
    await append(old, [6, ETH]);
    await append(current, [7, BTC], [8, BTC]);
    await readAndCommit(8);
    const { reader, heard } = await read();
    await until(() => heard.offsets.includes(8));
    expect(heard.calls.slice(0, 2)).toEqual(["assigned", "resumed"]);
    const last = new Map([
      [BTC, 7],
      [ETH, 3],
      [XRP, 4],
    ]);
    expect([heard.acked, heard.offsets]).toEqual([[{ offset: 8, from: 5, last }], [8]]);
    const again: number[] = [];
    await reader.catchUp(0, 4, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 9;
    });
    expect(again).toEqual([7, 8]);
  });

  it("gives a reading that begins after the takeover no word of what the older collector still wrote", async () => {
    const old = await newWriter();
    await append(old, [2, BTC]);
    const current = await newWriter();
    await append(current, [4, BTC]);
    await append(old, [5, BTC], [6, ETH]);
    await append(current, [7, ETH]);
    await readAndCommit(8);
    const { reader, heard } = await read();
    await append(current, [8, ETH]);
    await until(() => heard.offsets.includes(8));
    expect(heard.acked[0]?.last).toEqual(
      new Map([
        [BTC, 4],
        [ETH, 7],
      ]),
    );
    const again: number[] = [];
    await reader.catchUp(0, 4, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 9;
    });
    expect(again).toEqual([7, 8]);
  });

  it("looks back a bounded number of positions, and once for a partition, however often the group is joined", async () => {
    settings = { ...settings, partitions: 2 };
    const writer = await newWriter();
    const partition = writer.partitionOf(BTC);
    const many = LOOKBACK + 5000;
    await append(writer, [2, BTC], ...Array.from({ length: many }, (_, i) => [i + 3, BTC] as const));
    await readAndCommit(many, partition);
    const first = await read();
    await until(() => first.heard.offsets.includes(many + 2));
    expect(first.heard.acked).toEqual([{ offset: many, from: many - LOOKBACK, last: new Map([[BTC, many - 1]]) }]);
    const second = await read();
    await until(() => first.heard.calls.includes("revoked") && second.heard.calls.includes("assigned"));
    await append(writer, [many + 3, BTC]);
    await until(() => [...first.heard.offsets, ...second.heard.offsets].includes(many + 3));
    expect(first.heard.acked.length).toBe(1);
  });
});

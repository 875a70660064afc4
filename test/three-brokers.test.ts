/** Three brokers, one killed with -9 in the middle of writing to all partitions: every confirmed record is in the log, once. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { KafkaSettings } from "../ingestor/log/kafka/client.ts";
import { KafkaWriter } from "../ingestor/log/kafka/write/writer.ts";
import { createLogger } from "../ingestor/logger.ts";
import { readLog } from "../ingestor/verify/read-log.ts";
import type { Kafka } from "../local/kafka.ts";
import { requireKafka } from "../local/testing.ts";
import type { TradeEvent } from "../protocol/events.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
const TRADES = 40_000;
const INSTRUMENTS = Array.from({ length: 50 }, (_, i) => `upbit:C${i}-KRW`);

kafka.describe("three brokers", () => {
  let cluster: Kafka;
  let settings: KafkaSettings;

  beforeAll(async () => {
    cluster = await kafka.start({ nodes: 3, fastFailover: true });
    settings = {
      brokers: cluster.brokers,
      ssl: false,
      prefix: "",
      partitions: 6,
      replication: 3,
      retention: 3_600_000,
      retentionBytes: 1024 ** 3,
    };
  });

  afterAll(() => cluster?.stop());

  test("one killed while it is written to: nothing lost, nothing twice, each instrument in order", async () => {
    const writer = new KafkaWriter(settings, "upbit", createLogger("silent"));
    await writer.open(0);
    let written = 0;
    for (; written < TRADES / 4; written += 1) writer.append(trade(written));
    // The first quarter is under way when the broker dies; the rest follows while the others take its partitions over.
    const killed = cluster.nodes[1]?.kill();
    const pace = setInterval(() => {
      const upTo = Math.min(TRADES, written + 200);
      for (; written < upTo; written += 1) writer.append(trade(written));
    }, 20);
    await killed;
    await until(() => written === TRADES, "everything handed over");
    clearInterval(pace);
    await writer.flushed();
    const logs = await readLog(settings, "upbit", createLogger("silent"));
    await writer.close();
    const byInstrument = Map.groupBy(
      logs.flatMap(({ events }) => events),
      ({ event }) => event.instrument,
    );
    for (const [i, instrument] of INSTRUMENTS.entries()) {
      const ids = byInstrument.get(instrument)?.map(({ event }) => (event.type === "trade" ? Number(event.id) : -1));
      const expected = Array.from({ length: TRADES / INSTRUMENTS.length }, (_, n) => n * INSTRUMENTS.length + i);
      expect(ids, instrument).toEqual(expected);
    }
  });
});

function trade(n: number): TradeEvent {
  const instrument = INSTRUMENTS[n % INSTRUMENTS.length] ?? "";
  const time = 1_700_000_000_000 + n;
  return {
    type: "trade",
    instrument,
    id: String(n),
    price: "100",
    size: "0.5",
    side: "buy",
    time,
    received: time,
    snapshot: false,
  };
}

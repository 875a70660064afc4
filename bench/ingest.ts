/** How many ticks a second go from Kafka to the objects: a log is written first, then a pusher is let loose on it. */

import { createKafka, KAFKA_DEFAULTS, type KafkaSettings, names } from "../ingestor/log/kafka/client.ts";
import { committedOffsets, extents } from "../ingestor/log/kafka/offsets.ts";
import { KafkaWriter } from "../ingestor/log/kafka/write/writer.ts";
import { createLogger } from "../ingestor/logger.ts";
import { EdgeClient } from "../ingestor/push/edge-client.ts";
import { startIngestor } from "../local/ingestor.ts";
import { bareProduce } from "./bare.ts";
import { benchStack } from "./stack.ts";
import { benchMarkets, benchTrade } from "./trade.ts";
import { until } from "./until.ts";

const silent = createLogger("silent");

export async function benchIngest({ ticks, instruments }: { ticks: number; instruments: number }): Promise<void> {
  const stack = await benchStack({ ingestor: false, simulator: false });
  const brokers = stack.kafka?.brokers;
  if (brokers === undefined) throw new Error("this benchmark needs Kafka: install Java 17 and Maven");
  const settings: KafkaSettings = { ...KAFKA_DEFAULTS, brokers, ssl: false, prefix: "sim." };
  try {
    const all = benchMarkets(instruments);
    await new EdgeClient({ url: stack.url, token: stack.ingestToken, source: "simulated" }).putMarkets("upbit", all);
    const writer = new KafkaWriter(settings, "upbit", silent);
    await writer.open(0);
    const writing = Date.now();
    for (let n = 0; n < ticks; n += 1) {
      writer.append(benchTrade(all[n % all.length]?.instrument ?? "", n, 1_700_000_000_000 + n));
      if (n % 20_000 === 0) await writer.flushed();
    }
    writer.announce({ state: "live", source: "simulated", since: writing });
    await writer.flushed();
    const written = perSecond(ticks, Date.now() - writing);
    const value = JSON.stringify(benchTrade(all[0]?.instrument ?? "", 0, writing));
    const bare = await bareProduce(createKafka(settings, silent), value, ticks / 4);
    console.log(`kafkajs alone → Kafka: ${whole(bare)} records/s confirmed, of the same size, to one partition`);
    console.log(`collector → Kafka: ${whole(written)} ticks/s confirmed, ${(written / bare).toFixed(2)} of that`);
    const started = Date.now();
    const pusher = await startIngestor({
      env: { ...stack.ingestorEnv, ROLES: "push" },
      logFile: `${stack.logDir}/ingestor.log`,
    });
    let first = 0;
    const goal = await ends(settings);
    await until(async () => {
      const done = await committed(settings);
      const sum = [...done.values()].reduce((a, b) => a + b, 0);
      if (first === 0 && sum > 0) first = Date.now();
      return [...goal].every(([partition, end]) => (done.get(partition) ?? 0) >= end);
    });
    const took = Date.now() - started;
    const stored = perSecond(ticks, took);
    console.log(
      `Kafka → ${instruments} objects: ${whole(stored)} ticks/s stored, acked and committed, ${(stored / bare).toFixed(2)} of that (${ticks} in ${took} ms, of which ${first - started} ms until the first commit)`,
    );
    await pusher.stop();
    await writer.close();
  } finally {
    await stack.stop();
  }
}

async function ends(settings: KafkaSettings): Promise<Map<number, number>> {
  const admin = createKafka(settings, silent).admin();
  await admin.connect();
  const all = await extents(admin, names(settings.prefix, "upbit").ticks);
  await admin.disconnect();
  return new Map(all.map(({ partition, high }) => [partition, high]));
}

async function committed(settings: KafkaSettings): Promise<Map<number, number>> {
  const { ticks, group } = names(settings.prefix, "upbit");
  const admin = createKafka(settings, silent).admin();
  await admin.connect();
  const offsets = await committedOffsets(admin, group, ticks);
  await admin.disconnect();
  return new Map([...offsets].map(([partition, { offset }]) => [partition, Math.max(0, offset)]));
}

function perSecond(count: number, ms: number): number {
  return (count / ms) * 1000;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

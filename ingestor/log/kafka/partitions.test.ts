/** Where instruments are in a real Kafka's topic, whatever number of partitions it was made with. */

import { Partitioners } from "kafkajs";
import { expect, it } from "vitest";
import { requireKafka, until } from "../../../local/testing.ts";
import { Heard, trade, useTestLog } from "./testing.ts";

const kafka = await requireKafka();

kafka.describe("the partitions of a log", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 2 });

  it("are those of its topic, and hold what any producer puts there by its key", async () => {
    const { topic } = log();
    await log().onAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 5 }], waitForLeaders: true }));
    const writer = log().newWriter();
    expect(writer.partitions).toBeUndefined();
    await writer.open(0);
    const { reader } = await log().read(new Heard());
    await until(() => reader.partitions !== undefined);
    expect([writer.partitions, reader.partitions]).toEqual([5, 5]);
    const instruments = Array.from({ length: 200 }, (_, i) => `binance:${i % 2 ? "币安" : "COIN"}${i}-USDT`);
    for (const [i, instrument] of instruments.entries()) writer.append(trade(i, instrument));
    await writer.flushed();
    const producer = log().kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic, messages: instruments.map((key) => ({ key, value: "{}" })) });
    await producer.disconnect();
    const all = (await log().messages()).filter(({ message }) => message.key?.toString().startsWith("binance"));
    expect(all.length).toBe(400);
    for (const { partition, message } of all) {
      const key = message.key?.toString() ?? "";
      expect([writer.partitionOf(key), reader.partitionOf(key)], key).toEqual([partition, partition]);
    }
  });
});

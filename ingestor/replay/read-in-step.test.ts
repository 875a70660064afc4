import type { Admin, Kafka } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireKafka } from "../../local/testing.ts";
import { createKafka } from "../log/kafka/client.ts";
import { extents } from "../log/kafka/offsets.ts";
import { createLogger } from "../logger.ts";
import { LEAD, type PartitionRange, readInStep } from "./read-in-step.ts";

const kafka = await requireKafka();
const TOPICS = ["raw.test", "ticks.test"] as const;
/** Of each partition; together they are more than one answer of a broker can hold. */
const MESSAGES = 400;
const FILLING = "x".repeat(10_000);

kafka.describe("partitions read in step", () => {
  let cluster: Awaited<ReturnType<typeof kafka.start>>;
  let client: Kafka;
  let admin: Admin;

  beforeAll(async () => {
    cluster = await kafka.start();
    client = createKafka({ brokers: cluster.brokers, ssl: false }, createLogger("silent"));
    admin = client.admin();
    await admin.connect();
    await admin.createTopics({ topics: TOPICS.map((topic) => ({ topic, numPartitions: 2 })), waitForLeaders: true });
    // One message a second; the second connection of raw begins when the first has ended, ticks go on all the time.
    await fill("raw.test", 0, 0);
    await fill("raw.test", 1, MESSAGES);
    await fill("ticks.test", 0, 0);
    await fill("ticks.test", 0, MESSAGES);
  });

  afterAll(async () => {
    await admin?.disconnect();
    await cluster?.stop();
  });

  test("each is read whole and in order, and none runs ahead of the others", async () => {
    const parts = await allOf();
    const seen = new Map<string, number[]>();
    const ended: string[] = [];
    const reached: number[] = [];
    let ahead = 0;
    await readInStep(client, parts, {
      take: (part, messages) => {
        const offsets = seen.get(nameOf(part)) ?? [];
        seen.set(nameOf(part), offsets);
        offsets.push(...messages.map(({ offset }) => Number(offset)));
        const first = Number(messages[0]?.timestamp ?? 0);
        // The first batch of each comes whatever it holds.
        if (offsets.length > messages.length) ahead = Math.max(ahead, first - (reached.at(-1) ?? 0));
      },
      ended: (part) => ended.push(nameOf(part)),
      reached: async (logTime) => void reached.push(logTime),
    });
    const all = (count: number) => Array.from({ length: count }, (_, i) => i);
    expect(seen.get("raw.test/0")).toEqual(all(MESSAGES));
    expect(seen.get("raw.test/1")).toEqual(all(MESSAGES));
    expect(seen.get("ticks.test/0")).toEqual(all(2 * MESSAGES));
    expect(ended.toSorted()).toEqual(["raw.test/0", "raw.test/1", "ticks.test/0", "ticks.test/1"]);
    expect(reached).toEqual(reached.toSorted((a, b) => a - b));
    expect(reached.at(-1)).toBe(Number.POSITIVE_INFINITY);
    expect(ahead).toBeLessThanOrEqual(LEAD + 1000);
  });

  test("only what is asked for is read", async () => {
    const offsets: string[] = [];
    const part = { topic: "raw.test", partition: 1, from: 3, to: 6 };
    const none = { topic: "raw.test", partition: 0, from: 7, to: 7 };
    await readInStep(client, [part, none], {
      take: (_, messages) => void offsets.push(...messages.map(({ offset }) => offset)),
      ended: () => undefined,
      reached: async () => undefined,
    });
    expect(offsets).toEqual(["3", "4", "5"]);
  });

  test("what goes wrong with what was read ends the reading", async () => {
    const reading = readInStep(client, await allOf(), {
      take: () => {
        throw new Error("no more");
      },
      ended: () => undefined,
      reached: async () => undefined,
    });
    await expect(reading).rejects.toThrow("no more");
  });

  async function fill(topic: string, partition: number, from: number): Promise<void> {
    const producer = client.producer();
    await producer.connect();
    for (let i = 0; i < MESSAGES; i += 50) {
      const messages = Array.from({ length: 50 }, (_, j) => ({
        ...{ partition, value: FILLING, timestamp: String((from + i + j + 1) * 1000) },
      }));
      await producer.send({ topic, messages });
    }
    await producer.disconnect();
  }

  async function allOf(): Promise<PartitionRange[]> {
    const all = TOPICS.map(async (topic) => {
      const offsets = await extents(admin, topic);
      return offsets.map(({ partition, high }) => ({ topic, partition, from: 0, to: high }));
    });
    return (await Promise.all(all)).flat();
  }
});

function nameOf({ topic, partition }: PartitionRange): string {
  return `${topic}/${partition}`;
}

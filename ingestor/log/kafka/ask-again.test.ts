import kafkajs from "kafkajs";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { requireKafka } from "../../../local/testing.ts";
import { askAgain } from "./ask-again.ts";
import { createKafka } from "./client.ts";
import { committedOffsets } from "./offsets.ts";

const kafka = await requireKafka();

/** An error as kafkajs makes it of a broker's answer. */
function answer(type: string, retriable: boolean): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable }));
}

it("asks until there is an answer", async () => {
  const answers = [answer("GROUP_LOAD_IN_PROGRESS", true), answer("NOT_LEADER_FOR_PARTITION", true)];
  const given = await askAgain(async () => {
    const error = answers.shift();
    if (error !== undefined) throw error;
    return 7;
  });
  expect([given, answers.length]).toEqual([7, 0]);
});

it("takes for final what a repeat would not change", async () => {
  for (const error of [answer("GROUP_AUTHORIZATION_FAILED", false), new RangeError("a mistake of ours")]) {
    let asked = 0;
    const asking = askAgain(async () => {
      asked += 1;
      throw error;
    });
    await expect(asking).rejects.toBe(error);
    expect(asked).toBe(1);
  }
});

kafka.describe("a broker that has just started", () => {
  it("tells what groups have committed, though it has not loaded any yet", async () => {
    const cluster = await kafka.start();
    onTestFinished(() => cluster.stop());
    const admin = createKafka({ brokers: cluster.brokers, ssl: false }, pino({ level: "silent" })).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "t", numPartitions: 2 }] });
    // Groups lie in partitions of their own, which it loads one by one.
    const groups = Array.from({ length: 100 }, (_, i) => `group-${i}`);
    const all = await Promise.all(groups.map((group) => committedOffsets(admin, group, "t")));
    expect(all.map((offsets) => [...offsets.values()].map(({ offset }) => offset))).toEqual(groups.map(() => [-1, -1]));
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Kafka as Client, logLevel, Partitioners } from "kafkajs";
import { expect, onTestFinished, test } from "vitest";
import { startKafka } from "./kafka.ts";
import { freePort } from "./ports.ts";
import { isAlive, requireKafka, temporaryFolder, until, unwrap } from "./testing.ts";

const kafka = await requireKafka();
const folder = temporaryFolder();
const TOPIC = "prices";

kafka.describe("Kafka", () => {
  test("a message is still there after a stop and a start over the same folder", { timeout: 60_000 }, async () => {
    const options = { ...kafka.get(), dataDir: folder() };
    const first = await cluster(options);
    await createTopic(first.brokers, 1);
    await produce(first.brokers, "kept");
    const pid = first.nodes[0]?.pid ?? 0;
    await first.stop();
    expect(isAlive(pid)).toBe(false);

    // The ports of the last start are taken now: other ones must do.
    const port = Number(first.brokers[0]?.split(":")[1]);
    const squatter = createServer().listen(port, "127.0.0.1");
    await once(squatter, "listening");
    onTestFinished(() => void squatter.close());
    const second = await cluster(options);
    expect(second.brokers).not.toEqual(first.brokers);
    expect(await firstMessage(second.brokers)).toBe("kept");

    await second.nodes[0]?.kill();
    await second.nodes[0]?.start();
    expect(await firstMessage(second.brokers)).toBe("kept");
  });

  test("three nodes serve on when one is killed, and take it back", { timeout: 120_000 }, async () => {
    const { brokers, nodes } = await cluster({ ...kafka.get(), dataDir: folder(), nodes: 3, fastFailover: true });
    expect(new Set(brokers).size).toBe(3);
    await createTopic(brokers, 3);
    const [victim] = nodes;
    const pid = victim?.pid ?? 0;
    await victim?.kill();
    expect(isAlive(pid)).toBe(false);
    await produce(brokers, "despite");
    expect(await firstMessage(brokers.slice(1))).toBe("despite");
    await victim?.start();
    expect(victim?.pid).not.toBe(pid);
    expect(await firstMessage(brokers.slice(0, 1))).toBe("despite");
  });

  test("kill -9 of the parent leaves no Kafka behind", { timeout: 60_000 }, async () => {
    const script = join(folder(), "parent.ts");
    await writeFile(
      script,
      `import { startKafka } from ${JSON.stringify(join(import.meta.dirname, "kafka.ts"))};
       const kafka = await startKafka(${JSON.stringify({ ...kafka.get(), dataDir: folder() })});
       console.log(kafka.value.nodes[0].pid);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const [pid] = await once(parent.stdout, "data");
    expect(isAlive(Number(pid))).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(Number(pid)));
  });

  test("what keeps it from starting is reported", { timeout: 60_000 }, async () => {
    const options = { ...kafka.get(), dataDir: folder() };
    const noJava = await startKafka({ ...options, java: "/no/such/java" });
    expect(noJava).toMatchObject({ ok: false, reason: expect.stringContaining("Can't start /no/such/java") });
    const noJars = await startKafka({ ...options, jars: "/no/such/jars" });
    expect(noJars).toMatchObject({ ok: false, reason: expect.stringContaining("StorageTool") });

    const port = await freePort();
    const squatter = createServer().listen(port, "127.0.0.1");
    await once(squatter, "listening");
    onTestFinished(() => void squatter.close());
    expect(await startKafka({ ...options, port })).toMatchObject({
      ok: false,
      reason: `port ${port} for Kafka is taken`,
    });
    expect(await startKafka({ ...options, nodes: 3 })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("1 node"),
    });
  });
});

/** Started, and stopped when the test ends, however it ends. */
async function cluster(options: Parameters<typeof startKafka>[0]) {
  const started = unwrap(await startKafka(options));
  onTestFinished(() => started.stop());
  return started;
}

const client = (brokers: string[]) => new Client({ brokers, logLevel: logLevel.NOTHING });

async function createTopic(brokers: string[], replicationFactor: number) {
  const admin = client(brokers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1, replicationFactor }], waitForLeaders: true });
  await admin.disconnect();
}

async function produce(brokers: string[], value: string) {
  const producer = client(brokers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    metadataMaxAge: 500,
  });
  await producer.connect();
  await producer.send({ topic: TOPIC, acks: -1, messages: [{ partition: 0, value }] });
  await producer.disconnect();
}

async function firstMessage(brokers: string[]) {
  const consumer = client(brokers).consumer({
    groupId: `reader-${Math.random()}`,
    maxWaitTimeInMs: 200,
    metadataMaxAge: 500,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  await consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) });
  const value = await promise;
  await consumer.disconnect();
  return value;
}

/** Baselines: the minimal work on this machine, so that our figures can be given as multiples of it. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import kafkajs, { type Kafka } from "kafkajs";
import WebSocket from "ws";
import { z } from "zod";
import { quantile } from "./quantile.ts";

/** How long a loop runs, ms of processor time. */
const LOOP = 500;
/** As the collector's are. */
const BATCH = 2000;

/** µs of processor time that JSON.parse takes of a text, for each of the `parts` in it. */
export function bareParse(text: string, parts = 1): number {
  return bareLoop(() => JSON.parse(text)) / parts;
}

/** µs of processor time that one call takes. */
export function bareLoop(call: () => unknown): number {
  // The first ones are compiled.
  for (let i = 0; i < 1000; i += 1) call();
  const before = process.cpuUsage();
  for (let calls = 0; ; ) {
    for (let i = 0; i < 100; i += 1) call();
    calls += 100;
    const { user, system } = process.cpuUsage(before);
    if (user + system > LOOP * 1000) return (user + system) / calls;
  }
}

/** How many records a second kafkajs alone gets confirmed: one partition, one batch after another. */
export async function bareProduce(kafka: Kafka, value: string, records: number): Promise<number> {
  const topic = `bare-${Date.now()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const messages = Array.from({ length: BATCH }, () => ({ value, partition: 0 }));
  await producer.send({ topic, acks: -1, messages });
  const begun = performance.now();
  for (let sent = 0; sent < records; sent += BATCH) await producer.send({ topic, acks: -1, messages });
  const took = performance.now() - begun;
  await producer.disconnect();
  return (records / took) * 1000;
}

const started = z.object({ address: z.object({ port: z.int() }) });
const answer = z.object({ loopDelay: z.number() });

/** A process beside ours that does nothing else. */
export class BareProcess {
  readonly #process: ChildProcess;
  readonly #port: number;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.#port = port;
  }

  static async start(): Promise<BareProcess> {
    const process = fork(fileURLToPath(new URL("bare-process.ts", import.meta.url)), {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    const [message] = await once(process, "message");
    return new BareProcess(process, started.parse(message).address.port);
  }

  /** How long a text takes there and back over a WebSocket, so many times a second: 99th percentile, ms. */
  async echo(perSecond: number, seconds: number): Promise<number> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}`, { perMessageDeflate: false });
    await once(socket, "open");
    const took: number[] = [];
    socket.on("message", (data) => took.push(performance.now() - Number(String(data).trim())));
    const begun = performance.now();
    const count = perSecond * seconds;
    for (let sent = 0; sent < count; ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const due = Math.min(count, ((performance.now() - begun) * perSecond) / 1000);
      // As long as a frame with a trade is.
      for (; sent < due; sent += 1) socket.send(String(performance.now()).padEnd(300));
    }
    while (took.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    socket.close();
    return quantile(took, 0.99);
  }

  /** How late its event loop was since this was last asked: 99th percentile, ms, of which 10 are the measuring's own. */
  async loopDelay(): Promise<number> {
    this.#process.send("loop delay");
    const [message] = await once(this.#process, "message");
    return answer.parse(message).loopDelay;
  }

  async stop(): Promise<void> {
    this.#process.disconnect();
    await once(this.#process, "exit");
  }
}

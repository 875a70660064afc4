import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Kafka as Client, logLevel } from "kafkajs";
import { type GuardedProcess, startProcess } from "../guarded-process.ts";
import { waitUntilReady } from "../ready.ts";
import { brokerProperties } from "./config.ts";
import { type Cluster, formatStorage } from "./storage.ts";

const LOG4J_CONFIG = join(import.meta.dirname, "log4j2.xml");
const ANSWER_MS = 10_000;
/** Closing its log in good order takes a node a few seconds and saves the next start the recovery. */
const GRACE_MS = 10_000;

/** What a node needs to know. */
export interface KafkaNodeOptions {
  id: number;
  cluster: Cluster;
  dataDir: string;
  logDir: string;
  java: string;
  jars: string;
  fastFailover: boolean;
  /** Called now and then with the progress of a slow start. */
  onProgress?: ((message: string) => void) | undefined;
}

/** One node of a Kafka cluster, broker and controller at once. */
export class KafkaNode {
  readonly id: number;
  /** `host:port` for clients. */
  readonly broker: string;
  readonly #options: KafkaNodeOptions;
  readonly #nodeDir: string;
  readonly #logFile: string;
  #process: GuardedProcess | undefined;

  constructor(options: KafkaNodeOptions) {
    this.id = options.id;
    this.broker = `127.0.0.1:${options.cluster.ports[options.id - 1]?.broker}`;
    this.#options = options;
    this.#nodeDir = join(options.dataDir, `node-${options.id}`);
    this.#logFile = join(options.logDir, `kafka-${options.id}.log`);
  }

  /** Of the `java` process, once it has been launched; another one after `start()`. */
  get pid(): number {
    if (!this.#process) throw new Error(`Kafka node ${this.id} was never launched`);
    return this.#process.pid;
  }

  /** Whether its process runs. */
  get running(): boolean {
    return this.#process?.running ?? false;
  }

  /** How its process ended and what may have been the reason, for people; resolves when it has. */
  async exitReason(): Promise<string> {
    return `node ${this.id} ${await this.#process?.exitReason()}`;
  }

  /** Formats its storage if need be and writes its configuration. */
  async prepare(): Promise<void> {
    const { id, cluster, java, fastFailover } = this.#options;
    await mkdir(this.#nodeDir, { recursive: true });
    const nodeDir = this.#nodeDir;
    await formatStorage({ java, classPath: this.#classPath, nodeDir, id, cluster, logFile: this.#logFile });
    const properties = brokerProperties({ id, ports: cluster.ports, logDir: join(nodeDir, "log"), fastFailover });
    await writeFile(this.#propertiesFile, properties);
  }

  /** Starts the process without waiting for it to serve. */
  async launch(): Promise<void> {
    const jvm = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const args = [...jvm, `-Dlog4j2.configurationFile=${LOG4J_CONFIG}`, "-cp", this.#classPath, "kafka.Kafka"];
    this.#process = await startProcess({
      command: this.#options.java,
      args: [...args, this.#propertiesFile],
      logFile: this.#logFile,
      graceMs: GRACE_MS,
    });
  }

  /** Resolves when the node answers and knows of at least `atLeast` nodes that serve, itself among them. */
  async serves(atLeast: number): Promise<void> {
    if (!this.#process) throw new Error(`Kafka node ${this.id} was never launched`);
    const probe = async () => {
      const serving = await nodesServing(this.broker);
      if (!serving.includes(this.id) || serving.length < atLeast) {
        throw new Error(`${serving.length} of ${atLeast} nodes serve`);
      }
    };
    try {
      await waitUntilReady(this.#process, probe, { onProgress: this.#options.onProgress });
    } catch (error) {
      throw new Error(`node ${this.id} ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }

  /** Starts it again on the same ports; resolves when it serves. */
  async start(): Promise<void> {
    if (this.running) return;
    await this.launch();
    await this.serves(1);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Ends it in good order; resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  get #classPath(): string {
    return join(this.#options.jars, "*");
  }

  get #propertiesFile(): string {
    return join(this.#nodeDir, "broker.properties");
  }
}

/** The ids of the nodes that serve, as this one sees it: a fenced broker is not among them. */
async function nodesServing(broker: string): Promise<number[]> {
  const client = new Client({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: ANSWER_MS,
    requestTimeout: ANSWER_MS,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId);
  } finally {
    await admin.disconnect();
  }
}

import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findDialect } from "../simulator/dialects.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { startSimulator } from "../simulator/start-simulator.ts";
import type { Found } from "./found.ts";
import { startIngestor } from "./ingestor.ts";
import type { Kafka } from "./kafka.ts";
import { hint, type LocalRedis, type PartOptions, startLocalKafka, startLocalRedis } from "./kafka-and-redis.ts";
import type { Service } from "./service.ts";
import type { GivenKafka, GivenRedis, StackOptions } from "./stack-options.ts";
import type { Supervisor } from "./supervisor.ts";
import { startWorker, type Worker } from "./worker.ts";

/** The ingestor's exit code for settings that it can't work with. */
const WRONG_CONFIGURATION = 2;

/** Something that must be ended. */
export interface Closer {
  stop(): Promise<void>;
  /** At once, when `stop()` takes too long. */
  kill?(): Promise<void>;
}

/** The parts of one stack: starts each, reports it, has it supervised, and ends what it started. */
export class Parts {
  /** In the order of starting. */
  readonly closers: Closer[] = [];
  /** What is missing on this machine and how to get it. */
  readonly hints: string[] = [];
  readonly logDir: string;
  readonly ingestToken: string;
  readonly adminToken: string;
  readonly #options: StackOptions;
  readonly #exchanges: readonly string[];
  readonly #supervisor: Supervisor;

  constructor(options: StackOptions, supervisor: Supervisor) {
    this.#options = options;
    this.#exchanges = options.exchanges ?? ["upbit"];
    this.#supervisor = supervisor;
    this.logDir = join(options.dataDir, "logs");
    this.ingestToken = options.ingestToken ?? randomBytes(16).toString("hex");
    this.adminToken = options.adminToken ?? randomBytes(16).toString("hex");
  }

  /** One simulator for each exchange that is to be simulated, by its name. */
  async simulators(): Promise<Map<string, Simulator>> {
    const { source, simulators = {}, simulator: common = source === "simulated" ? {} : false } = this.#options;
    const started = new Map<string, Simulator>();
    for (const name of this.#exchanges) {
      const own = simulators[name] ?? common;
      if (own === false) continue;
      const simulator = await startSimulator({ ...common, ...own, dialect: findDialect(name) });
      this.closers.push(simulator);
      started.set(name, simulator);
      this.#say("simulator", `${simulator.wsUrl}, speaks as ${name} does, its prices are made up`);
    }
    return started;
  }

  async kafka(): Promise<Kafka | GivenKafka | undefined> {
    const { kafka: wanted = {} } = this.#options;
    if (wanted === false) return undefined;
    if ("brokers" in wanted) {
      this.#say("kafka", `${wanted.brokers.join(",")}, as given`);
      return wanted;
    }
    const kafka = this.#available("Kafka", await startLocalKafka(this.#partOptions("kafka"), wanted));
    if (!kafka) return undefined;
    this.closers.push(kafka);
    this.#supervisor.watch({
      name: "kafka",
      running: () => kafka.nodes.every((node) => node.running),
      start: () => Promise.all(kafka.nodes.map((node) => node.start())).then(() => undefined),
      exitReason: async () => {
        const ended = kafka.nodes.filter((node) => !node.running);
        return (await Promise.all(ended.map((node) => node.exitReason()))).join("; ");
      },
    });
    // `npm run verify` finds the log of a running stack by this.
    await writeFile(join(this.#options.dataDir, "brokers"), kafka.brokers.join(","));
    this.#say("kafka", `${kafka.brokers.join(",")}, a real Apache Kafka on this machine`);
    return kafka;
  }

  async redis(): Promise<LocalRedis | GivenRedis | undefined> {
    const { redis: wanted } = this.#options;
    if (wanted === false) return undefined;
    if (wanted) {
      this.#say("redis", `${wanted.url}, as given`);
      return wanted;
    }
    const local = this.#available("Redis", await startLocalRedis(this.#partOptions("redis")));
    if (!local) return undefined;
    const { redis, upstash } = local;
    this.closers.push(redis, upstash);
    this.#supervisor.watch({
      name: "redis",
      running: () => redis.running,
      start: redis.start,
      exitReason: redis.exitReason,
      // Prices go on without it.
      optional: true,
    });
    this.#say("redis", `${redis.url}, a real Redis on this machine, Upstash REST at ${upstash.url}`);
    return local;
  }

  async worker(bundle: string, redis: LocalRedis | GivenRedis | undefined): Promise<Worker> {
    const { dataDir, port, source, onProgress } = this.#options;
    const rest = redis && ("upstash" in redis ? redis.upstash : redis);
    const worker = await startWorker({
      ...(port === undefined ? {} : { port }),
      bundle,
      persistDir: join(dataDir, "worker", "state"),
      logFile: join(this.logDir, "worker.log"),
      onProgress: (message) => onProgress?.("worker", message),
      vars: {
        INGEST_TOKEN: this.ingestToken,
        ADMIN_TOKEN: this.adminToken,
        PRICES: source,
        ...(rest ? { UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: rest.token } : {}),
      },
    });
    this.closers.push(worker);
    this.#supervisor.watch({
      name: "worker",
      running: () => worker.running,
      start: worker.start,
      exitReason: worker.exitReason,
    });
    this.#say("worker", `${worker.url}, the Worker and its Durable Objects in the real runtime`);
    return worker;
  }

  ingestorEnv(
    worker: Worker,
    simulators: ReadonlyMap<string, Simulator>,
    kafka: Kafka | GivenKafka | undefined,
  ): NodeJS.ProcessEnv {
    const { source, idleBatch, ingestor } = this.#options;
    return {
      EDGE_URL: worker.url,
      INGEST_TOKEN: this.ingestToken,
      EXCHANGES: this.#exchanges.join(","),
      PRICES: source,
      KAFKA_BROKERS: kafka?.brokers.join(",") ?? "",
      ...(kafka && "nodes" in kafka ? { KAFKA_REPLICATION: String(kafka.nodes.length) } : {}),
      HINTS: JSON.stringify(this.hints),
      ...(idleBatch === undefined ? {} : { IDLE_BATCH_MS: String(idleBatch) }),
      ...addresses(simulators),
      ...(ingestor === false ? {} : ingestor),
    };
  }

  async ingestor(env: NodeJS.ProcessEnv): Promise<Service | undefined> {
    const { ingestor: wanted, source } = this.#options;
    if (wanted === false) return undefined;
    const ingestor = await startIngestor({ env, logFile: join(this.logDir, "ingestor.log") });
    this.closers.push(ingestor);
    this.#supervisor.watch({
      name: "ingestor",
      running: () => ingestor.running,
      start: ingestor.start,
      exitReason: ingestor.exitReason,
      hopeless: async () => (await ingestor.exited).code === WRONG_CONFIGURATION,
    });
    this.#say("ingestor", `process ${ingestor.pid}, collects ${this.#exchanges.join(", ")}, ${source} prices`);
    return ingestor;
  }

  /** What is there, else undefined with a hint and a line. */
  #available<T>(part: string, result: Found<T>): T | undefined {
    if (result.ok) return result.value;
    this.hints.push(hint(part, result));
    this.#say(part.toLowerCase(), `left out: ${result.reason}; to get it, ${result.remedy}`);
    return undefined;
  }

  #partOptions(part: string): PartOptions {
    const { dataDir, cacheDir, onProgress } = this.#options;
    return {
      dataDir,
      logDir: this.logDir,
      onProgress: (message) => onProgress?.(part, message),
      ...(cacheDir === undefined ? {} : { cacheDir }),
    };
  }

  #say(part: string, text: string): void {
    this.#options.onPart?.(part, text);
  }
}

/** Where the ingestor finds the simulators, as its settings say it. */
function addresses(simulators: ReadonlyMap<string, Simulator>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    [...simulators].flatMap(([name, { wsUrl, restUrl }]) => [
      [`${name.toUpperCase()}_WS_URL`, wsUrl],
      [`${name.toUpperCase()}_REST_URL`, restUrl],
    ]),
  );
}

import type { SimulatorOptions } from "../simulator/start-simulator.ts";
import type { LocalKafkaOptions } from "./kafka-and-redis.ts";

/** Settings of a simulated exchange: which one it is, its name says. */
export type StackSimulator = Omit<SimulatorOptions, "dialect">;

/** A Kafka that runs elsewhere. */
export interface GivenKafka {
  /** `host:port`, one or more. */
  brokers: readonly string[];
}

/** A Redis that runs elsewhere, with Upstash's REST API. */
export interface GivenRedis {
  url: string;
  token: string;
}

/** Which parts to start, and how. */
export interface StackOptions {
  /** Holds what the parts keep and their `logs`; a later start with the same folder carries on with it. */
  dataDir: string;
  /** The Worker as {@link buildWorker} has bundled it; by default it is bundled at the start. */
  bundle?: string;
  /** Forget what earlier starts kept there. */
  fresh?: boolean;
  cacheDir?: string;
  /** Of the Worker; a free one by default. */
  port?: number;
  /** What the prices are called; simulated ones never share a log, an object or a hash with others. */
  source: "live" | "simulated";
  /** `["upbit"]` by default. */
  exchanges?: readonly string[];
  /** Of every simulated exchange, in this process; false for none. By default they are there when prices are simulated. */
  simulator?: StackSimulator | false;
  /** What differs for single exchanges, by name; false for one that is reached elsewhere. */
  simulators?: Readonly<Record<string, StackSimulator | false>>;
  /** A given Kafka, settings of a local one, or none; a local one by default. */
  kafka?: GivenKafka | LocalKafkaOptions | false;
  /** A given Redis, or none; a local one by default. */
  redis?: GivenRedis | false;
  /** Shared by ingestor and Worker; random by default. */
  ingestToken?: string;
  /** The operator's; random by default. */
  adminToken?: string;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  idleBatch?: number;
  /** Further settings of the ingestor, see `ingestor/config.ts`; false to start none. */
  ingestor?: NodeJS.ProcessEnv | false;
  /** Start again what ends by itself; true by default. Tests that kill parts switch it off. */
  restart?: boolean;
  /** One line per part that is up or missing, and whenever something happens to one. */
  onPart?: (part: string, text: string) => void;
  /** While something takes long. */
  onProgress?: (part: string, text: string) => void;
  /** Stops the start: what is up is ended, and `startStack` throws the signal's reason. */
  signal?: AbortSignal;
}

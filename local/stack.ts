import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Mode } from "../protocol/rest.ts";
import type { Simulator } from "../simulator/simulator.ts";
import type { Kafka } from "./kafka.ts";
import { type Closer, Parts } from "./parts.ts";
import type { Redis } from "./redis.ts";
import type { Service } from "./service.ts";
import type { StackOptions } from "./stack-options.ts";
import { Supervisor } from "./supervisor.ts";
import type { UpstashRest } from "./upstash/server.ts";
import { buildWorker, type Worker } from "./worker.ts";

export type { StackOptions } from "./stack-options.ts";

/** What a stack may keep in its data folder. */
const PERSISTED = ["kafka", "redis", "worker", "logs"];
/** What then still runs is killed, ms. */
const STOP_TIMEOUT_MS = 8_500;

/** Everything that runs. */
export interface Stack {
  /** Of the Worker: `http://127.0.0.1:port` */
  url: string;
  mode: Mode;
  source: "live" | "simulated";
  ingestToken: string;
  /** What the operator shows to the Worker. */
  adminToken: string;
  /** What is missing on this machine and how to get it. */
  hints: string[];
  logDir: string;
  worker: Worker;
  /** What it was started with: another ingestor beside it takes the same. */
  ingestorEnv: NodeJS.ProcessEnv;
  /** Absent where the options want none, as are the next ones where they are given or missing. */
  ingestor: Service | undefined;
  kafka: Kafka | undefined;
  redis: Redis | undefined;
  upstash: UpstashRest | undefined;
  /** The simulated exchanges, by name. */
  simulators: ReadonlyMap<string, Simulator>;
  /** Resolves with a line for people when a part ended and could not be brought back; never with `restart: false`. */
  died: Promise<string>;
  /** Ends everything in good order, the last part first, within 10 s. */
  stop(): Promise<void>;
  /** Ends everything at once: for a data folder that is thrown away. */
  kill(): Promise<void>;
}

/**
 * Starts all parts of Tickcast on this machine; resolves when they run, which is before prices flow.
 * A Kafka or Redis that can't be had is left out and said in `hints`.
 *
 * @throws Error when the Worker, the ingestor or a simulator can't be started, and the abort signal's reason
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const supervisor = new Supervisor(options);
  const parts = new Parts(options, supervisor);
  let closing = Promise.resolve();
  const end = (close: (closers: Closer[]) => Promise<void>) => {
    supervisor.stop();
    closing = closing.then(() => close(parts.closers));
    return closing;
  };
  const stop = () => end(stopAll);
  // What is up need not wait for what is still on its way.
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    return { ...(await startParts(options, parts)), died: supervisor.died, stop, kill: () => end(killAll) };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

/** Forgets what earlier starts kept in a stack's data folder. */
async function forget(dataDir: string): Promise<void> {
  await Promise.all(PERSISTED.map((name) => rm(join(dataDir, name), { recursive: true, force: true })));
}

async function startParts(options: StackOptions, parts: Parts): Promise<Omit<Stack, "died" | "stop" | "kill">> {
  const { dataDir, source, bundle, fresh = false, signal } = options;
  if (fresh) await forget(dataDir);
  const { logDir, hints, ingestToken, adminToken } = parts;
  await mkdir(logDir, { recursive: true });
  const redisUp = parts.redis();
  const workerUp = Promise.all([
    bundle ?? buildWorker(join(dataDir, "worker", "bundle"), join(logDir, "worker.log")),
    redisUp,
  ]).then(([built, redis]) => {
    signal?.throwIfAborted();
    return parts.worker(built, redis);
  });
  const starting = [parts.simulators(), parts.kafka(), redisUp, workerUp] as const;
  // All are waited for even if one fails: what has come up must be known to be ended.
  await Promise.allSettled(starting);
  const [simulators, kafka, redis, worker] = await Promise.all(starting);
  signal?.throwIfAborted();
  const ingestorEnv = parts.ingestorEnv(worker, simulators, kafka);
  const ingestor = await parts.ingestor(ingestorEnv);
  return {
    url: worker.url,
    mode: kafka ? (redis ? "kafka+redis" : "kafka") : redis ? "redis" : "direct",
    source,
    ingestToken,
    adminToken,
    hints,
    logDir,
    worker,
    ingestor,
    ingestorEnv,
    kafka: kafka && "nodes" in kafka ? kafka : undefined,
    redis: redis && "redis" in redis ? redis.redis : undefined,
    upstash: redis && "upstash" in redis ? redis.upstash : undefined,
    simulators,
  };
}

/** Ends what has been started, the last one first; what takes too long is killed. */
async function stopAll(closers: Closer[]): Promise<void> {
  const all = closers.splice(0).reverse();
  const late = setTimeout(() => {
    for (const closer of all) void closer.kill?.();
  }, STOP_TIMEOUT_MS);
  for (const closer of all) await closer.stop();
  clearTimeout(late);
}

/** Ends what has been started, with SIGKILL where it is a process. */
async function killAll(closers: Closer[]): Promise<void> {
  await Promise.all(closers.splice(0).map((closer) => closer.kill?.() ?? closer.stop()));
}

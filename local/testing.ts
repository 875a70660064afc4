import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe } from "vitest";
import { kafkaJars, redisServer } from "./artefacts.ts";
import { findJava } from "./find-program.ts";
import { type Found, found } from "./found.ts";
import { type Kafka, type KafkaOptions, startKafka } from "./kafka.ts";
import { type Redis, startRedis } from "./redis.ts";

/** A real component that a test file needs. Where it is missing, its tests are skipped by name, in CI they fail. */
export interface Needed<T, Options, Part> {
  /** `describe` of vitest; skips what it holds, and names the reason, where the component is missing. */
  describe(name: string, tests: () => void): void;
  /** What is needed to start it. */
  get(): T;
  /** Starts it with a data folder of its own; `stop()` kills it, since it removes the folder too. */
  start(options?: Options): Promise<Part>;
}

/** What a Kafka needs: the `java` to run it with and the folder of its jars. */
export type KafkaParts = Pick<KafkaOptions, "java" | "jars">;

/**
 * For tests against a real Kafka.
 *
 * @example
 * const kafka = await requireKafka();
 * kafka.describe("the log", () => {
 *   beforeAll(async () => { cluster = await kafka.start({ nodes: 3, fastFailover: true }); }, 60_000);
 *   afterAll(() => cluster.stop());
 * });
 * @throws Error in CI when Java, or Maven to fetch it with, is missing.
 */
export async function requireKafka(): Promise<Needed<KafkaParts, Partial<KafkaOptions>, Kafka>> {
  return needed(await kafkaParts(), (parts, dataDir, options) => startKafka({ ...parts, dataDir, ...options }));
}

/** For tests against a real Redis, see {@link requireKafka}. */
export async function requireRedis(): Promise<Needed<{ binary: string }, { port?: number }, Redis>> {
  const binary = await redisServer();
  return needed(binary.ok ? found({ binary: binary.value }) : binary, (parts, dataDir, options) =>
    startRedis({ ...parts, dataDir, ...options }),
  );
}

async function kafkaParts(): Promise<Found<KafkaParts>> {
  const java = await findJava();
  if (!java.ok) return java;
  const jars = await kafkaJars();
  return jars.ok ? found({ java: java.value, jars: jars.value }) : jars;
}

function needed<T, Options, Part extends { stop(): Promise<void>; kill(): Promise<void> }>(
  component: Found<T>,
  start: (parts: T, dataDir: string, options?: Options) => Promise<Found<Part>>,
): Needed<T, Options, Part> {
  if (!component.ok && process.env["CI"] === "true") throw new Error(explain(component));
  return {
    describe: (name, tests) =>
      component.ok ? describe(name, tests) : describe.skip(`${name} (skipped: ${explain(component)})`, tests),
    get: () => unwrap(component),
    async start(options) {
      const dataDir = await mkdtemp(join(tmpdir(), "tickcast-"));
      const part = unwrap(await start(unwrap(component), dataDir, options));
      part.stop = async () => {
        await part.kill();
        await rm(dataDir, { recursive: true, force: true });
      };
      return part;
    },
  };
}

/** The value, for tests: throws what is missing and the remedy. */
export function unwrap<T>(result: Found<T>): T {
  if (!result.ok) throw new Error(explain(result));
  return result.value;
}

function explain({ reason, remedy }: { reason: string; remedy: string }): string {
  return `${reason}; ${remedy}`;
}

/** Gives each test of the file a new folder, removed after it. */
export function temporaryFolder(): () => string {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tickcast-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  return () => folder;
}

/** Waits until something is so, for what gives no event of its own; the test's own time-out ends it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** Whether a process (or a group, with a negative number) exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

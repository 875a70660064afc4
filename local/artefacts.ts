import { createHash } from "node:crypto";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unzipSync } from "fflate";
import { cached, cacheFolder } from "./cache.ts";
import { findMaven, findRedisServer } from "./find-program.ts";
import { type Found, found, messageOf, missing } from "./found.ts";
import { startProcess } from "./guarded-process.ts";

const KAFKA_POM = join(import.meta.dirname, "kafka", "pom.xml");
/** A jar that is only a wrapping: it holds redis-server binaries, which need no Java. */
const REDIS_JAR = "embedded-redis-0.9.1.jar";
const REDIS_ARTEFACT = "org.signal:embedded-redis:0.9.1";
const REDIS_VERSION = "7.0.15";

/** Pinned, for else Maven takes whichever is newest that day. */
const DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
const MAVEN_REMEDY = "check the network, or the mirror in ~/.m2/settings.xml";
const MAVEN_TIMEOUT_MS = 10 * 60_000;
const PROGRESS_MS = 5_000;

/** The cache folder, and a progress callback. */
export interface FetchOptions {
  /** `CACHE_DIR` or `~/.cache/tickcast` by default. */
  cacheDir?: string;
  /** Called when a download starts, and every 5 s while it runs. */
  onProgress?: (message: string) => void;
}

/** The folder of Kafka's jars: from the cache, else fetched with Maven. */
export async function kafkaJars(options: FetchOptions = {}): Promise<Found<string>> {
  const pom = createHash("sha256")
    .update(await readFile(KAFKA_POM))
    .digest("hex")
    .slice(0, 12);
  const what = "Kafka (46 jars, 43 MB)";
  const goal = [`${DEPENDENCY_PLUGIN}:copy-dependencies`, "-f", KAFKA_POM, "-DincludeScope=runtime"];
  // Named after what the pom says, so that another version is another folder.
  return cached(`kafka-${pom}`, (folder) => fetchWithMaven(what, goal, folder, options), options.cacheDir);
}

/** The path of a `redis-server`: the installed one, else {@link fetchedRedisServer}. */
export async function redisServer(options: FetchOptions = {}): Promise<Found<string>> {
  const installed = await findRedisServer();
  if (installed.ok) return installed;
  const fetched = await fetchedRedisServer(options);
  if (fetched.ok) return fetched;
  return missing(
    `${installed.reason}, and could not be fetched: ${fetched.reason}`,
    `${installed.remedy}; or ${fetched.remedy}`,
  );
}

/** The path of a `redis-server` that needs no installation: from the cache, else fetched with Maven. */
export async function fetchedRedisServer(options: FetchOptions = {}): Promise<Found<string>> {
  const binary = `redis-server-${REDIS_VERSION}-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const goal = [`${DEPENDENCY_PLUGIN}:copy`, `-Dartifact=${REDIS_ARTEFACT}`];
  const prepare = async (folder: string): Promise<Found<unknown>> => {
    const fetched = await fetchWithMaven("Redis (11 MB)", goal, folder, options);
    return fetched.ok ? unpackRedis(folder, binary) : fetched;
  };
  const folder = await cached(binary, prepare, options.cacheDir);
  return folder.ok ? found(join(folder.value, "redis-server")) : folder;
}

async function unpackRedis(folder: string, binary: string): Promise<Found<unknown>> {
  const jar = join(folder, REDIS_JAR);
  const unpacked = unzipSync(await readFile(jar), { filter: (file) => file.name === binary })[binary];
  if (!unpacked) return missing(`${REDIS_JAR} has no ${binary}`, "install Redis with your system's package manager");
  await writeFile(join(folder, "redis-server"), unpacked);
  await chmod(join(folder, "redis-server"), 0o755);
  await rm(jar);
  return found(undefined);
}

/** Runs a goal of Maven's dependency plugin that fills `folder`. */
async function fetchWithMaven(
  what: string,
  goal: readonly string[],
  folder: string,
  { cacheDir = cacheFolder(), onProgress = () => undefined }: FetchOptions,
): Promise<Found<unknown>> {
  const maven = await findMaven();
  if (!maven.ok) return maven;
  const logFile = join(cacheDir, "logs", `maven-${process.pid}.log`);
  await rm(logFile, { force: true });
  const args = ["-q", "-B", "--strict-checksums", ...goal, `-DoutputDirectory=${folder}`];
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1_000);
  onProgress(`fetching ${what} with Maven…`);
  const ticker = setInterval(() => onProgress(`fetching ${what} with Maven… ${seconds()} s`), PROGRESS_MS);
  try {
    // In a folder without a pom: the goals that need none would take one that lies about.
    const process = await startProcess({ command: maven.value, args, cwd: folder, logFile });
    const waiting = new AbortController();
    const timeOut = sleep(MAVEN_TIMEOUT_MS, undefined, { signal: waiting.signal }).then(
      () => process.stop(),
      () => undefined,
    );
    const exit = await process.exited;
    waiting.abort();
    await timeOut;
    if (exit.code !== 0) return missing(`Maven could not fetch ${what}: ${await mavenError(logFile)}`, MAVEN_REMEDY);
  } catch (error) {
    return missing(messageOf(error), MAVEN_REMEDY);
  } finally {
    clearInterval(ticker);
  }
  await rm(logFile, { force: true });
  const fetched = await readdir(folder);
  return fetched.length > 0 ? found(folder) : missing(`Maven fetched nothing for ${what}`, MAVEN_REMEDY);
}

async function mavenError(logFile: string): Promise<string> {
  const log = await readFile(logFile, "utf8");
  const error = log.split("\n").find((line) => line.includes("ERROR")) ?? "it ended without an error message";
  return `${error.replace(/^.*?ERROR\S*\s*/, "").slice(0, 500)} (log: ${logFile})`;
}

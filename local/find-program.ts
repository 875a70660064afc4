import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Found, found, missing } from "./found.ts";

const run = promisify(execFile);

/** Kafka 4 brokers need it. */
const OLDEST_JAVA = 17;
const JAVA_REMEDY = "install Java 17 or newer (apt install openjdk-17-jre-headless, brew install openjdk@17)";
/** Homebrew does not link its JDKs, so an installed one is not on PATH. */
const HOMEBREW_JAVA = ["/opt/homebrew", "/usr/local"].flatMap((prefix) =>
  ["openjdk", "openjdk@21", "openjdk@17"].map((formula) => `${prefix}/opt/${formula}/bin/java`),
);

/** The full path of a program by name (looked up on PATH) or path; undefined when it is not there or not executable. */
export async function findOnPath(program: string, path = process.env["PATH"] ?? ""): Promise<string | undefined> {
  const candidates = program.includes("/")
    ? [resolve(program)]
    : path.split(delimiter).flatMap((folder) => (isAbsolute(folder) ? [join(folder, program)] : []));
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of a `java` new enough for Kafka: of JAVA_HOME, on PATH, or Homebrew's, in this order.
 * Each is asked for its version, for macOS puts a `java` on PATH that only says that there is none.
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<Found<string>> {
  const home = env["JAVA_HOME"];
  const tooOld: string[] = [];
  for (const candidate of [...(home ? [join(home, "bin/java")] : []), "java", ...HOMEBREW_JAVA]) {
    const java = await findOnPath(candidate, env["PATH"]);
    const version = java && (await javaVersion(java));
    if (!java || !version) continue;
    if (version >= OLDEST_JAVA) return found(java);
    tooOld.push(`${java} is Java ${version}`);
  }
  if (tooOld.length === 0) return missing("Java was not found", JAVA_REMEDY);
  return missing(`Java is too old: ${tooOld.join(", ")}; Kafka needs ${OLDEST_JAVA} or newer`, JAVA_REMEDY);
}

async function javaVersion(java: string): Promise<number | undefined> {
  try {
    const { stderr } = await run(java, ["-version"], { timeout: 20_000 });
    const [, major, minor] = /version "(\d+)(?:\.(\d+))?/.exec(stderr) ?? [];
    return Number(major === "1" ? minor : major) || undefined; // Java 8 calls itself 1.8
  } catch {
    return undefined;
  }
}

/** The path of Maven, which fetches Kafka and Redis. */
export async function findMaven(): Promise<Found<string>> {
  const maven = await findOnPath("mvn");
  return maven ? found(maven) : missing("Maven was not found", "install Maven (apt install maven, brew install maven)");
}

/** The path of an installed `redis-server`, or of Valkey's, which speaks the same protocol. */
export async function findRedisServer(): Promise<Found<string>> {
  const server = (await findOnPath("redis-server")) ?? (await findOnPath("valkey-server"));
  return server
    ? found(server)
    : missing("redis-server was not found", "install Redis (apt install redis-server, brew install redis)");
}

/** Which Kafka a tool reads: the one given, that of the environment, or that of an `npm start` of this folder. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, readConfig } from "../config.ts";
import type { KafkaSettings } from "../log/kafka/client.ts";

/** Settings for reading a log. */
export type ReadSettings = Pick<KafkaSettings, "brokers" | "ssl" | "sasl" | "prefix">;

/** As given on the command line. */
export interface KafkaOptions {
  /** `host:port`, several with commas. */
  readonly brokers?: string | undefined;
  readonly prefix?: string | undefined;
}

/** The settings demand them; a tool that only reads Kafka does not use them. */
const UNUSED = { EDGE_URL: "http://unused.invalid", INGEST_TOKEN: "unused" };
/** The prefix of simulated topics, as `npm start` sets it. */
const SIMULATED = "sim.";

/**
 * @param stacks in whose data folders the brokers of a running `npm start` may stand; of several the one started last
 * @throws {ConfigError} when a setting is wrong, or there is no Kafka
 */
export function findKafka(
  { brokers, prefix }: KafkaOptions,
  env: NodeJS.ProcessEnv,
  stacks: readonly ("sim" | "live")[],
): ReadSettings {
  const given = Object.entries(env).filter(([name, value]) => name.startsWith("KAFKA_") && value?.trim());
  const settings = {
    ...Object.fromEntries(given),
    ...UNUSED,
    ...(brokers === undefined ? {} : { KAFKA_BROKERS: brokers }),
    ...(prefix === undefined ? {} : { KAFKA_PREFIX: prefix }),
  };
  const set = "KAFKA_BROKERS" in settings ? settings : { ...settings, KAFKA_BROKERS: startedBrokers(env, stacks) };
  const { kafka } = named(() => readConfig(set), { KAFKA_BROKERS: brokers, KAFKA_PREFIX: prefix });
  if (kafka === null) throw new ConfigError("--brokers: host:port is needed, or several with commas");
  return kafka;
}

/** A prefix as `npm start` makes it for simulated prices. */
export function simulatedPrefix(prefix: string): string {
  return prefix.endsWith(SIMULATED) ? prefix : `${prefix}${SIMULATED}`;
}

function startedBrokers(env: NodeJS.ProcessEnv, stacks: readonly string[]): string {
  const files = stacks.map((stack) => join(env["DATA_DIR"] || ".tickcast", stack, "brokers")).filter(existsSync);
  const newest = files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  const text = newest === undefined ? "" : readFileSync(newest, "utf8").trim();
  if (text !== "") return text;
  throw new ConfigError(
    "which Kafka? Set KAFKA_BROKERS or --brokers, or run `npm start` here (a stack without Kafka keeps no log to compare with)",
  );
}

/** Has an error name the option where that, and no variable, is wrong. */
function named<T>(read: () => T, options: Record<string, string | undefined>): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [variable] =
      Object.entries(options).find(([name, value]) => value !== undefined && error.message.startsWith(name)) ?? [];
    if (variable === undefined) throw error;
    throw new ConfigError(error.message.replace(variable, `--${variable.slice("KAFKA_".length).toLowerCase()}`));
  }
}

/** The ingestor's settings, from the environment: checked once, with an error that names the variable. */

import { z } from "zod";
import { type Source, source } from "../protocol/events.ts";
import { parseJson } from "../protocol/json.ts";
import { exchanges } from "./exchanges/index.ts";
import { KAFKA_DEFAULTS, type KafkaSettings } from "./log/kafka/client.ts";

/** Prices that are not live have topics of their own, whatever the prefix. */
const TOPIC_PREFIXES: Readonly<Record<Source, string>> = { live: "", simulated: "sim.", replay: "replay." };

const list = z
  .string()
  .transform((text) => [...new Set(text.split(",").map((one) => one.trim()))].filter((one) => one));
const flag = z.enum(["true", "false", "1", "0", ""]).transform((text) => text === "true" || text === "1");
const positive = z.coerce.number().int().positive();
const role = z.enum(["collect", "push"]);

const environment = z.object({
  EDGE_URL: z.url({ error: "the address of the Worker, e.g. http://localhost:8787" }),
  INGEST_TOKEN: z.string().min(1),
  EXCHANGES: list
    .refine((names) => names.length > 0, { error: "names no exchange" })
    .default(exchanges.map(({ name }) => name)),
  ROLES: list.pipe(z.array(role).min(1)).default(["collect", "push"]),
  PRICES: source.default("live"),
  KAFKA_BROKERS: list
    .pipe(z.array(z.string().regex(/^.+:\d+$/, { error: "host:port is needed, or several with commas" })))
    .default([]),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  KAFKA_PREFIX: z
    .string()
    .regex(/^[\w.-]*$/, { error: "letters, digits, dots, hyphens and underscores" })
    .default(KAFKA_DEFAULTS.prefix),
  KAFKA_PARTITIONS: positive.default(KAFKA_DEFAULTS.partitions),
  KAFKA_REPLICATION: positive.default(KAFKA_DEFAULTS.replication),
  KAFKA_RETENTION_HOURS: positive.default(KAFKA_DEFAULTS.retention / 3_600_000),
  KAFKA_RETENTION_BYTES: positive.default(KAFKA_DEFAULTS.retentionBytes),
  IDLE_BATCH_MS: positive.default(30_000),
  FEED_MEMORY_BYTES: positive.default(16 * 1024 * 1024),
  PUSH_MEMORY_BYTES: positive.default(256 * 1024 * 1024),
  RING_MEMORY_BYTES: positive.default(256 * 1024 * 1024),
  MARKETS_PERIOD_MS: positive.default(300_000),
  SILENCE_MS: positive.optional(),
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  HINTS: z
    .string()
    .default("[]")
    .transform(parseJson)
    .pipe(z.array(z.string(), { error: 'a JSON list of texts, e.g. ["no Kafka: install Java 17"]' })),
});

/** Thrown when a variable is missing or wrong; names it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export interface IngestorConfig {
  readonly edgeUrl: string;
  readonly token: string;
  readonly exchanges: readonly string[];
  readonly roles: readonly z.infer<typeof role>[];
  readonly source: z.infer<typeof source>;
  /** Absent where there is no Kafka: then the log is in memory. */
  readonly kafka: KafkaSettings | null;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly idleBatch: number;
  readonly marketsPeriod: number;
  /** What the pusher may hold for one feed before it is parked, bytes. */
  readonly parkBytes: number;
  /** ... and for all feeds of an exchange before reading pauses, bytes. */
  readonly memory: number;
  /** What it may keep of the last minute, of all exchanges together, bytes. */
  readonly ringBytes: number;
  /** How long an exchange may be silent before its connection is taken for dead, ms; null for what suits each. */
  readonly silence: number | null;
  /** Where `/metrics` is served, 0 for any free port; null for nowhere. */
  readonly metricsPort: number | null;
  /** What is missing on this machine and how to get it; shown by `/v1/health`. */
  readonly hints: readonly string[];
}

/** @throws {ConfigError} naming the variable that is wrong */
export function readConfig(env: NodeJS.ProcessEnv): IngestorConfig {
  // An empty variable is one that is not set.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const result = environment.safeParse(set);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new ConfigError(`${String(issue?.path[0])}: ${issue?.message}`);
  }
  const { data } = result;
  if (data.KAFKA_BROKERS.length === 0 && data.ROLES.length === 1) {
    throw new ConfigError("ROLES: without KAFKA_BROKERS collecting and pushing must run in one process");
  }
  return {
    edgeUrl: data.EDGE_URL,
    token: data.INGEST_TOKEN,
    exchanges: data.EXCHANGES,
    roles: data.ROLES,
    source: data.PRICES,
    kafka: data.KAFKA_BROKERS.length === 0 ? null : kafkaSettings(data),
    idleBatch: data.IDLE_BATCH_MS,
    marketsPeriod: data.MARKETS_PERIOD_MS,
    parkBytes: data.FEED_MEMORY_BYTES,
    memory: data.PUSH_MEMORY_BYTES,
    ringBytes: data.RING_MEMORY_BYTES,
    silence: data.SILENCE_MS ?? null,
    metricsPort: data.METRICS_PORT ?? null,
    hints: data.HINTS,
  };
}

/**
 * Where an exchange is reached: its own address unless `<EXCHANGE>_WS_URL` and `<EXCHANGE>_REST_URL` say otherwise.
 *
 * @throws {ConfigError} naming the variable that holds no such address
 */
export function exchangeUrls(env: NodeJS.ProcessEnv, exchange: { name: string; wsUrl: string; restUrl: string }) {
  const prefix = exchange.name.toUpperCase();
  return {
    wsUrl: address(env, `${prefix}_WS_URL`, "ws") ?? exchange.wsUrl,
    restUrl: address(env, `${prefix}_REST_URL`, "http") ?? exchange.restUrl,
  };
}

function address(env: NodeJS.ProcessEnv, name: string, protocol: "ws" | "http"): string | undefined {
  const value = env[name]?.trim() || undefined;
  if (value === undefined) return undefined;
  if (URL.canParse(value) && [`${protocol}:`, `${protocol}s:`].includes(new URL(value).protocol)) return value;
  throw new ConfigError(`${name}: an address with ${protocol}:// or ${protocol}s:// is needed`);
}

function kafkaSettings(data: z.infer<typeof environment>): KafkaSettings {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = data;
  if ((mechanism ?? username ?? password) !== undefined && !(mechanism && username && password)) {
    throw new ConfigError("KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD: set all three, or none");
  }
  return {
    brokers: data.KAFKA_BROKERS,
    ssl: data.KAFKA_SSL,
    ...(mechanism && username && password ? { sasl: { mechanism, username, password } } : {}),
    prefix: `${data.KAFKA_PREFIX}${TOPIC_PREFIXES[data.PRICES]}`,
    partitions: data.KAFKA_PARTITIONS,
    replication: data.KAFKA_REPLICATION,
    retention: data.KAFKA_RETENTION_HOURS * 3_600_000,
    retentionBytes: data.KAFKA_RETENTION_BYTES,
  };
}

/** The settings of `npm start`, from the environment: checked once, with an error that names the variable. */

import { join, resolve } from "node:path";
import { z } from "zod";
import { exchangeUrls } from "../ingestor/config.ts";
import type { Exchange } from "../ingestor/exchanges/exchange.ts";
import { exchanges, findExchange } from "../ingestor/exchanges/index.ts";
import { messageOf } from "./found.ts";
import type { GivenKafka, GivenRedis } from "./stack-options.ts";

/** Why nothing was started, as a line for people. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** 2 for wrong values, 1 for what is wrong with the machine. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** An exchange and where it is reached. */
export interface CollectedExchange {
  exchange: Exchange;
  wsUrl: string;
  restUrl: string;
  /** Which of both addresses were given, so that nothing else may be put in their place. */
  given: { ws: boolean; rest: boolean };
}

/** What `npm start` was asked for. */
export interface Settings {
  port: number;
  /** Absolute. */
  dataDir: string;
  exchanges: CollectedExchange[];
  source: "live" | "sim" | "auto";
  kafka: GivenKafka | undefined;
  redis: GivenRedis | undefined;
  ingestToken: string | undefined;
  adminToken: string | undefined;
}

const EXCHANGES = exchanges.map(({ name }) => name);
const DEFAULT_DATA_DIR = join(import.meta.dirname, "..", ".tickcast");
const names = z.string().transform((text) =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean),
);
const oneOf = (...values: [string, ...string[]]) => ({ error: `use ${values.join(", ")}` });
const SOURCES = ["live", "sim", "auto"] as const;
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const PORT_NEEDED = { error: "a port number is needed, 1 to 65535" };

const environment = z.object({
  PORT: z
    .string()
    .trim()
    .regex(/^\d{1,5}$/, PORT_NEEDED)
    .transform(Number)
    .pipe(z.number().min(1, PORT_NEEDED).max(65_535, PORT_NEEDED))
    .default(8787),
  DATA_DIR: z.string().default(DEFAULT_DATA_DIR),
  EXCHANGES: names.default(EXCHANGES),
  SOURCE: z.enum(SOURCES, oneOf(...SOURCES)).default("auto"),
  KAFKA_BROKERS: names
    .pipe(z.array(z.string().regex(/^.+:\d+$/, { error: "host:port is needed, or several with commas" })))
    .optional(),
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: "an http or https address is needed" }).optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().optional(),
  INGEST_TOKEN: z.string().optional(),
  ADMIN_TOKEN: z.string().optional(),
  LOG_LEVEL: z.enum(LEVELS, oneOf(...LEVELS)).optional(),
});

/** @throws {StartError} naming the variable that is wrong */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // An empty variable is one that is not set.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const result = environment.safeParse(set);
  if (!result.success) {
    const issue = result.error.issues[0];
    const name = String(issue?.path[0]);
    throw new StartError(`${name}=${set[name]}: ${issue?.message}`, 2);
  }
  const { data } = result;
  if (data.EXCHANGES.length === 0) throw new StartError(`EXCHANGES=${set["EXCHANGES"]}: names no exchange`, 2);
  const exchanges = [...new Set(data.EXCHANGES)].map((name) => collected(name, set));
  return {
    port: data.PORT,
    dataDir: resolve(data.DATA_DIR),
    exchanges,
    source: data.SOURCE,
    kafka: data.KAFKA_BROKERS && { brokers: data.KAFKA_BROKERS },
    redis: givenRedis(data.UPSTASH_REDIS_REST_URL, data.UPSTASH_REDIS_REST_TOKEN),
    ingestToken: data.INGEST_TOKEN,
    adminToken: data.ADMIN_TOKEN,
  };
}

function collected(name: string, env: NodeJS.ProcessEnv): CollectedExchange {
  const exchange = asStartError("EXCHANGES", () => findExchange(name));
  const prefix = name.toUpperCase();
  const given = { ws: isAddress(env, `${prefix}_WS_URL`, "ws"), rest: isAddress(env, `${prefix}_REST_URL`, "http") };
  return { exchange, given, ...exchangeUrls(env, exchange) };
}

/** Whether the variable is there; wrong ones throw. */
function isAddress(env: NodeJS.ProcessEnv, name: string, protocol: "ws" | "http"): boolean {
  const value = env[name];
  if (value === undefined) return false;
  if (URL.canParse(value) && [`${protocol}:`, `${protocol}s:`].includes(new URL(value).protocol)) return true;
  throw new StartError(`${name}=${value}: an address with ${protocol}:// or ${protocol}s:// is needed`, 2);
}

function givenRedis(url: string | undefined, token: string | undefined): GivenRedis | undefined {
  if (url === undefined && token === undefined) return undefined;
  if (url !== undefined && token !== undefined) return { url, token };
  throw new StartError("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: set both, or none", 2);
}

function asStartError<T>(name: string, get: () => T): T {
  try {
    return get();
  } catch (error) {
    throw new StartError(`${name}: ${messageOf(error)}`, 2);
  }
}

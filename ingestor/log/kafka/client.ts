/** The one place that knows kafkajs: unmaintained since 2024, so its traps stay behind this folder. */

import { Kafka, type KafkaConfig, type logCreator, logLevel, type SASLOptions } from "kafkajs";
import { DEFAULT_PARTITIONS } from "../../../protocol/partition.ts";
import type { Logger } from "../../logger.ts";

export interface KafkaSettings {
  /** `host:port`, one or more. */
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
  /** Put before topic and group names, so that simulated and real prices never share a log. */
  readonly prefix: string;
  /** Of a topic that is made: fixed for good. */
  readonly partitions: number;
  readonly replication: number;
  /** How long ticks and raw frames are kept, ms. */
  readonly retention: number;
  /** How much of a partition is kept, bytes. */
  readonly retentionBytes: number;
}

export const KAFKA_DEFAULTS = {
  partitions: DEFAULT_PARTITIONS,
  replication: 1,
  retention: 24 * 3_600_000,
  retentionBytes: 1024 ** 3,
  prefix: "",
} as const;

/** Short pauses: what a client waits here is added to what its clients wait. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1000, retries: 8 } as const;

export function createKafka(settings: Pick<KafkaSettings, "brokers" | "ssl" | "sasl">, logger: Logger): Kafka {
  const config: KafkaConfig = {
    clientId: "tickcast",
    brokers: [...settings.brokers],
    ssl: settings.ssl,
    connectionTimeout: 3000,
    requestTimeout: 15_000,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: toLogger(logger),
  };
  return new Kafka(settings.sasl === undefined ? config : { ...config, sasl: settings.sasl as SASLOptions });
}

/** Names of an exchange's topics and of the group that pushes it. */
export function names(prefix: string, exchange: string) {
  return {
    ticks: `${prefix}ticks.${exchange}`,
    raw: `${prefix}raw.${exchange}`,
    group: `${prefix}tickcast-push-${exchange}`,
  };
}

/**
 * kafkajs calls everything an error that it is about to retry. What can't be mended reaches us as a rejection and is
 * logged by whoever gets it, so its own lines are warnings at most.
 */
function toLogger(logger: Logger): logCreator {
  return () =>
    ({ level, log }) => {
      const { message, error, ...rest } = log;
      const detail = { kafka: message, error, broker: rest["broker"], group: rest["groupId"] };
      if (level <= logLevel.WARN) logger.debug(detail, "kafka client");
    };
}

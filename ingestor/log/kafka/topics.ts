/** Makes an exchange's topics with the settings they need. */

import type { Admin } from "kafkajs";
import { askAgain } from "./ask-again.ts";
import { type KafkaSettings, names } from "./client.ts";

/**
 * Makes `ticks.<exchange>` and `raw.<exchange>` where they are missing. `LogAppendTime` makes the record's time that of the
 * log (`t.logged`), and keeps old trade times from tripping retention.
 */
export async function ensureTopics(admin: Admin, settings: KafkaSettings, exchange: string): Promise<void> {
  const { ticks, raw } = names(settings.prefix, exchange);
  const configEntries = [
    { name: "message.timestamp.type", value: "LogAppendTime" },
    { name: "retention.ms", value: String(settings.retention) },
    { name: "retention.bytes", value: String(settings.retentionBytes) },
    // A record is confirmed when it stands on more than one disk, if there is more than one.
    { name: "min.insync.replicas", value: String(Math.min(2, settings.replication)) },
  ];
  const existing = new Set(await admin.listTopics());
  const topics = [ticks, raw]
    .filter((topic) => !existing.has(topic))
    .map((topic) => ({
      topic,
      numPartitions: settings.partitions,
      replicationFactor: settings.replication,
      configEntries,
    }));
  if (topics.length > 0) await askAgain(() => admin.createTopics({ topics, waitForLeaders: true }));
}

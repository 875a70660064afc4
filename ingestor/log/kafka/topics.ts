/** Makes an exchange's topics with the settings they need, and says what there is. */

import type { Admin } from "kafkajs";
import { type KafkaSettings, names } from "./client.ts";

/** The first and the next offset of a partition. */
export interface Extent {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

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
  if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: true });
}

/** The extents of a topic's partitions, by partition. */
export async function extents(admin: Admin, topic: string): Promise<Extent[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}

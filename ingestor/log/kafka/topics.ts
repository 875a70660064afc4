/** Makes an exchange's topics with the settings they need. */

import kafkajs, { type Admin } from "kafkajs";
import { type Logger, reasonOf } from "../../logger.ts";
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

/** Record limit of a raw topic: twice the largest frame of any exchange, and the most that managed Kafkas allow. */
const RAW_RECORD_BYTES = 8 * 1024 * 1024;
/** The largest frame or body that is kept: headers and the batch around it want some room. */
export const RAW_FRAME_BYTES = RAW_RECORD_BYTES - 64 * 1024;
const MAX_RECORD = "max.message.bytes";
/** Of a setting: that of the topic itself, and no default of the broker's. */
const OWN = 1;

/** Lets a raw topic take whole frames and bodies. Where that may not be set, those that are too large are left out. */
export async function admitLargeFrames(admin: Admin, raw: string, logger: Logger): Promise<void> {
  try {
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: raw };
    const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
    const entries = resources[0]?.configEntries ?? [];
    const now = Number(entries.find(({ configName }) => configName === MAX_RECORD)?.configValue);
    if (now >= RAW_RECORD_BYTES) return;
    // Whatever is not named here would go back to its default.
    const kept = entries.filter(({ configSource, configName }) => configSource === OWN && configName !== MAX_RECORD);
    const configEntries = kept.map(({ configName, configValue }) => ({ name: configName, value: configValue }));
    const wanted = { name: MAX_RECORD, value: String(RAW_RECORD_BYTES) };
    await admin.alterConfigs({
      resources: [{ ...resource, configEntries: [...configEntries, wanted] }],
      validateOnly: false,
    });
  } catch (error) {
    logger.warn({ reason: reasonOf(error), topic: raw }, "the raw topic keeps its limit: larger frames are left out");
  }
}

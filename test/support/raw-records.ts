/** The raw log of a stack's upbit, as a fresh reader sees it. */

import { createKafka, names } from "../../ingestor/log/kafka/client.ts";
import { extents } from "../../ingestor/log/kafka/offsets.ts";
import { readRanges } from "../../ingestor/log/kafka/read/read-range.ts";
import { createLogger } from "../../ingestor/logger.ts";
import { type RawRecord, rawRecord } from "../../ingestor/replay/raw/raw-record.ts";
import type { TestStack } from "./stack.ts";

/** Every raw record, by partition in the order of offsets. */
export async function rawRecords(stack: TestStack): Promise<RawRecord[]> {
  const client = createKafka({ brokers: stack.kafka?.brokers ?? [], ssl: false }, createLogger("silent"));
  const { raw } = names("sim.", "upbit");
  const admin = client.admin();
  await admin.connect();
  const all = await extents(admin, raw);
  await admin.disconnect();
  const records: RawRecord[] = [];
  const ranges = all.map(({ partition, low, high }) => ({ partition, from: low, to: high }));
  await readRanges(client, raw, ranges, (partition, messages) => {
    for (const message of messages) records.push(rawRecord(message, partition));
    return true;
  });
  return records;
}

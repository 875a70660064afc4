/** Reads all counting events of an exchange's log, for tools and tests: a fresh reader, from the very beginning. */

import type { MarketEvent } from "../../protocol/events.ts";
import { epochOf } from "../../protocol/position.ts";
import { createKafka, names } from "../log/kafka/client.ts";
import { extents } from "../log/kafka/offsets.ts";
import { readRanges } from "../log/kafka/read/read-range.ts";
import { fromMessage } from "../log/kafka/records.ts";
import type { Logger } from "../logger.ts";
import { Admission } from "./admission.ts";
import type { Logged } from "./compare.ts";
import type { ReadSettings } from "./find-kafka.ts";

/** A partition's events that count, in order. */
export interface PartitionLog {
  /** That of the newest record. */
  readonly epoch: string;
  readonly events: readonly Logged[];
  /** Records that an older collector wrote after it had been replaced. */
  readonly voided: number;
}

/** @throws when Kafka can't be reached or the exchange has no log */
export async function readLog(settings: ReadSettings, exchange: string, logger: Logger): Promise<PartitionLog[]> {
  const kafka = createKafka(settings, logger);
  const { ticks } = names(settings.prefix, exchange);
  const admin = kafka.admin();
  await admin.connect();
  try {
    const all = await extents(admin, ticks);
    const logs = all.map(({ low }) => ({ admission: new Admission(low), events: [] as Logged[], voided: 0 }));
    const ranges = all.map(({ partition, low, high }) => ({ partition, from: low, to: high }));
    await readRanges(kafka, ticks, ranges, (partition, messages) => {
      const log = logs[partition];
      for (const record of messages.map(fromMessage)) {
        if (log === undefined || record === undefined) continue;
        const counts = log.admission.counts(record);
        if (record.origin.kind !== "event") continue;
        if (counts) log.events.push({ seq: record.offset, event: JSON.parse(record.value) as MarketEvent });
        else log.voided += 1;
      }
      return true;
    });
    return logs.map(({ admission, events, voided }, i) => ({
      epoch: epochOf(admission.incarnation, i),
      events,
      voided,
    }));
  } finally {
    await admin.disconnect();
  }
}

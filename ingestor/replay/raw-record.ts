/**
 * A record of `raw.<exchange>`: a frame as it came, the body of an answer from the exchange's trade history, or what says
 * that some were left out.
 */

import type { KafkaMessage } from "kafkajs";
import { RANKS_PER_MS } from "../log/kafka/raw-queue.ts";

export interface RawRecord {
  readonly text: string;
  /** When it came, ms; null where the record does not say. */
  readonly received: number | null;
  /** Over which connection; null where the record does not say. */
  readonly connection: string | null;
  /** Of a body: about which instrument. */
  readonly instrument?: string;
  /** Why frames are missing here. */
  readonly omission?: string;
  /** Counts up with the frames of one writer, whatever partitions they lie in; older records do not say. */
  readonly order?: number;
  /** When the log took it, ms. */
  readonly logged: number;
  /** Where it stands, for people. */
  readonly where: string;
}

/** @param partition that it stands in */
export function rawRecord({ value, headers, offset, timestamp }: KafkaMessage, partition: number): RawRecord {
  const header = (name: string) => headers?.[name]?.toString();
  const kind = header("kind");
  const order = numberOf(header("order"));
  const record = {
    text: value?.toString("utf8") ?? "",
    received: numberOf(header("received")),
    connection: header("connection") ?? null,
    logged: Number(timestamp),
    where: `partition ${partition}, offset ${offset}`,
    ...(order === null ? {} : { order }),
  };
  if (kind === "omission") {
    const [frames, bytes] = [header("frames"), header("bytes")];
    return { ...record, omission: `left out of the raw log (${header("reason")}): ${frames} frames, ${bytes} bytes` };
  }
  return kind === "rest" ? { ...record, instrument: header("instrument") ?? "" } : record;
}

/**
 * By this the partitions are put together. Before frames were spread each connection had a partition of its own, and the
 * time of receipt was enough; it compares with what there is now.
 */
export function rankOf({ order, received, logged }: RawRecord): number {
  return order ?? (received ?? logged) * RANKS_PER_MS;
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}

/** A record of `raw.<exchange>`: a frame as it came, or the body of an answer from the exchange's trade history. */

import type { KafkaMessage } from "kafkajs";

export interface RawRecord {
  readonly text: string;
  /** When it came, ms; null where the record does not say. */
  readonly received: number | null;
  /** Over which connection; null where the record does not say. */
  readonly connection: string | null;
  /** Of a body: about which instrument. */
  readonly instrument?: string;
  /** When the log took it, ms. */
  readonly logged: number;
  /** Where it stands, for people. */
  readonly where: string;
}

/** @param partition that it stands in */
export function rawRecord({ value, headers, offset, timestamp }: KafkaMessage, partition: number): RawRecord {
  const header = (name: string) => headers?.[name]?.toString();
  const received = header("received") ?? "";
  const record = {
    text: value?.toString("utf8") ?? "",
    received: /^\d{1,15}$/.test(received) ? Number(received) : null,
    connection: header("connection") ?? null,
    logged: Number(timestamp),
    where: `partition ${partition}, offset ${offset}`,
  };
  return header("kind") === "rest" ? { ...record, instrument: header("instrument") ?? "" } : record;
}

/** How records stand in Kafka: the event as JSON, and in the headers who wrote it and what it is. */

import type { KafkaMessage, Message } from "kafkajs";
import type { MarketEvent } from "../../../protocol/events.ts";
import type { Authority } from "../../../protocol/log-record.ts";
import type { LoggedStatus, LogRecord } from "../log.ts";

const MARKER = "marker";
const STATUS = "status";
const TYPES = new Set<string>(["ticker", "trade", "gap", STATUS, MARKER]);

/** A record that waits to be sent; its origin is stamped when it is. */
export interface Draft {
  readonly key: string;
  readonly value: string;
  readonly type: LogRecord["type"];
}

export function eventDraft(event: MarketEvent): Draft {
  return { key: event.instrument, value: JSON.stringify(event), type: event.type };
}

export function statusDraft(status: LoggedStatus): Draft {
  return { key: STATUS, value: JSON.stringify(status), type: STATUS };
}

export function markerDraft(): Draft {
  return { key: MARKER, value: "{}", type: MARKER };
}

/** @param count grows by one with each record of a writer in a partition, so that a writer can recognise its own */
export function toMessage(draft: Draft, authority: Authority, partition: number, count: number): Message {
  const { incarnation, term } = authority;
  return {
    key: draft.key,
    value: draft.value,
    partition,
    headers: { type: draft.type, incarnation, term: String(term), count: String(count) },
  };
}

/** A record of ours; undefined for one that somebody else put into the topic. */
export function fromMessage({
  key,
  value,
  headers,
  offset,
  timestamp,
}: KafkaMessage): (LogRecord & { count: number }) | undefined {
  const type = headers?.["type"]?.toString() ?? "";
  const term = Number(headers?.["term"]?.toString());
  const incarnation = headers?.["incarnation"]?.toString();
  if (!TYPES.has(type) || !(term >= 1) || incarnation === undefined || key === null || value === null) return undefined;
  const kind = type === MARKER || type === STATUS ? type : "event";
  return {
    offset: Number(offset),
    logged: Number(timestamp),
    key: key.toString(),
    value: value.toString(),
    type: type as LogRecord["type"],
    origin: { kind, incarnation, term },
    count: Number(headers?.["count"]?.toString() ?? 0),
  };
}

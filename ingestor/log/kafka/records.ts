/** Record format of the ticks topic: the value is the event's JSON, the headers name its type and its writer. */

import type { KafkaMessage, Message } from "kafkajs";
import { type GapEvent, type MarketEvent, tradeEvent } from "../../../protocol/events.ts";
import type { Authority } from "../../../protocol/log-record.ts";
import { boundedTime } from "../../event-time.ts";
import type { LoggedStatus, LogRecord } from "../log.ts";
import { checkFormat, countOf, formatHeader } from "./format.ts";

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

/** No price of an exchange is longer: a record above this, bytes, is a fault of its sender's that no reader should bear. */
const LARGEST = 64 * 1024;

export function isOversized({ value }: Draft): boolean {
  // No text has more bytes than three for each of its units.
  return value.length * 3 > LARGEST && Buffer.byteLength(value) > LARGEST;
}

const named = tradeEvent.pick({ instrument: true, time: true, received: true });

/** Substitute of a record that can't be written: a lost gap for a trade, a status without its detail for a status. */
export function substituteOf({ type, value }: Draft): Draft | undefined {
  if (type === "status") {
    const { detail: _detail, ...status } = JSON.parse(value) as LoggedStatus;
    return statusDraft(status);
  }
  if (type !== "trade") return undefined;
  const { instrument, ...times } = named.parse(JSON.parse(value));
  const since = boundedTime(times);
  const gap = { cause: "unreadable_frame", since, until: since + 1, state: "lost", received: null } as const;
  return eventDraft({ type: "gap", instrument, ...gap } satisfies GapEvent);
}

/** @param count grows by one with each record of a writer in a partition, so that a writer can recognise its own */
export function toMessage(draft: Draft, authority: Authority, partition: number, count: number): Message {
  const { incarnation, term } = authority;
  return {
    key: draft.key,
    value: draft.value,
    partition,
    headers: { ...formatHeader(count), type: draft.type, incarnation, term: String(term) },
  };
}

/** A record's headers, without its value: searches skip most records by them. */
export type RecordHead = Pick<LogRecord, "offset" | "logged" | "type" | "origin">;

/**
 * Of a record of ours; undefined for one that somebody else put into the topic.
 *
 * @throws {NewerFormatError} for one that a later version has written
 */
export function headOf({ headers, offset, timestamp }: KafkaMessage): RecordHead | undefined {
  checkFormat(headers, offset);
  const type = headers?.["type"]?.toString() ?? "";
  const term = Number(headers?.["term"]?.toString());
  const incarnation = headers?.["incarnation"]?.toString();
  if (!isType(type) || !(term >= 1) || incarnation === undefined) return undefined;
  const kind = type === MARKER || type === STATUS ? type : "event";
  return { offset: Number(offset), logged: Number(timestamp), type, origin: { kind, incarnation, term } };
}

/** The whole record, see {@link headOf}. */
export function fromMessage(message: KafkaMessage): (LogRecord & { count: number }) | undefined {
  const { key, value, headers } = message;
  const head = headOf(message);
  if (head === undefined || key === null || value === null) return undefined;
  return { ...head, key: key.toString(), value: value.toString(), count: countOf(headers) };
}

function isType(text: string): text is LogRecord["type"] {
  return TYPES.has(text);
}

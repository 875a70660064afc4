/**
 * A record of `raw.<exchange>`: a frame as it came, the body of an answer from the exchange's trade history, or what says
 * that some were left out; and the events that the present parsers make of it.
 */

import type { KafkaMessage } from "kafkajs";
import { type Exchange, FrameError, type Parse, type ParsedEvent } from "../../exchanges/exchange.ts";
import { checkFormat } from "../../log/kafka/format.ts";
import { RANKS_PER_MS } from "../../log/kafka/write/raw-queue.ts";

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

/**
 * @param partition that it stands in
 * @throws {NewerFormatError} for one that a later version has written
 */
export function rawRecord({ value, headers, offset, timestamp }: KafkaMessage, partition: number): RawRecord {
  checkFormat(headers, offset);
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

/** What a record gave. */
export interface ReadAgain {
  readonly events: readonly ParsedEvent[];
  /** Why it could not be read, or not all of it. */
  readonly bad?: string;
}

/** Trades of the trade history are late, as the collector logs them. */
export function readAgain(
  { text, received, instrument, omission }: RawRecord,
  parse: Parse,
  history: Pick<Exchange["history"], "read">,
): ReadAgain {
  if (omission !== undefined) return { events: [], bad: omission };
  try {
    if (instrument !== undefined) {
      return { events: history.read(text, instrument).map((trade) => ({ ...trade, received, late: true })) };
    }
    const parsed = parse(text, received);
    return { events: parsed.kind === "events" ? parsed.events : [] };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    // The sound events of a list are logged; an answer is asked for again.
    return { events: instrument === undefined ? error.events : [], bad: error.message };
  }
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}

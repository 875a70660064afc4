/**
 * Reads one partition of a log in order, whoever fetches it: a group's consumer or a standalone one. It has a position of
 * its own, admits what counts, and notices records that have expired and a topic that was made anew.
 */

import type { KafkaMessage } from "kafkajs";
import type { Expired, LogRecord } from "../../log.ts";
import type { PartitionCursor } from "./partition-cursor.ts";

/** Consecutive records of one epoch. */
export interface LogBatch {
  readonly epoch: string;
  /** Those that count; none, where only the position moves. */
  readonly records: readonly LogRecord[];
  /** The next offset after them. With {@link PartitionCursor.metadata} of it a later reader goes on there. */
  readonly next: number;
  /** What retention removed right before them. */
  readonly expired?: Expired;
}

export class PartitionReader {
  readonly partition: number;
  readonly cursor: PartitionCursor;

  constructor(partition: number, cursor: PartitionCursor) {
    this.partition = partition;
    this.cursor = cursor;
  }

  /** Names the incarnation of the log and the partition. */
  get epoch(): string {
    return this.cursor.epoch(this.partition);
  }

  /**
   * The records of consecutive messages, for each epoch apart. There is one batch at least, which says how far they go.
   *
   * @throws {NewerFormatError} at a record that a later version has written, after those before it
   */
  *read(messages: readonly KafkaMessage[]): Generator<LogBatch, void, void> {
    const { cursor } = this;
    let expired = cursor.expiredBefore(messages);
    let { epoch } = this;
    let { authority } = cursor;
    let records: LogRecord[] = [];
    for (const message of messages) {
      const { next } = cursor;
      let record: LogRecord | undefined;
      try {
        record = cursor.judge(message);
      } catch (error) {
        // What stands before it must not wait for somebody who can read it.
        yield batch(epoch, records, next, expired);
        throw error;
      }
      if (cursor.authority !== authority) {
        const current = this.epoch;
        if (current !== epoch && (records.length > 0 || expired !== undefined)) {
          yield batch(epoch, records, next, expired);
          [records, expired] = [[], undefined];
        }
        [authority, epoch] = [cursor.authority, current];
      }
      if (record !== undefined) records.push(record);
    }
    yield batch(epoch, records, cursor.next, expired);
  }
}

function batch(epoch: string, records: readonly LogRecord[], next: number, expired: Expired | undefined): LogBatch {
  return { epoch, records, next, ...(expired === undefined ? {} : { expired }) };
}

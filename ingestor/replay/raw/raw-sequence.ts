/** The raw records of several partitions made one sequence, in the order in which they came. */

import type { KafkaMessage } from "kafkajs";
import { type RawRecord, rankOf, rawRecord } from "./raw-record.ts";

interface Queue {
  records: RawRecord[];
  /** Where the head stands. */
  next: number;
  /** Whether nothing more comes. */
  ended: boolean;
}

export class RawSequence {
  readonly #queues: Map<number, Queue>;

  constructor(partitions: Iterable<number>) {
    this.#queues = new Map([...partitions].map((partition) => [partition, { records: [], next: 0, ended: false }]));
  }

  /** The next messages of a partition. */
  push(partition: number, messages: readonly KafkaMessage[]): void {
    const queue = this.#queues.get(partition);
    if (queue === undefined) return;
    const records = messages.map((message) => rawRecord(message, partition));
    queue.records = [...queue.records.slice(queue.next), ...records];
    queue.next = 0;
  }

  /** A partition has been read to its end. */
  end(partition: number): void {
    const queue = this.#queues.get(partition);
    if (queue !== undefined) queue.ended = true;
  }

  /** Takes off all that no record still to come can come before. */
  *take(): Generator<RawRecord> {
    for (;;) {
      const queue = this.#first();
      const record = queue?.records[queue.next];
      if (queue === undefined || record === undefined) return;
      queue.next += 1;
      yield record;
    }
  }

  /** Log time (ms) before which nothing is held back; infinite where nothing is held. */
  get reached(): number {
    const heads = [...this.#queues.values()].flatMap(({ records, next }) => records[next] ?? []);
    return Math.min(...heads.map(({ logged }) => logged));
  }

  /** The queue whose head is the first of all; undefined while one that goes on has no head. Equals follow the partitions. */
  #first(): Queue | undefined {
    let first: { queue: Queue; rank: number } | undefined;
    for (const queue of this.#queues.values()) {
      const head = queue.records[queue.next];
      if (head === undefined && !queue.ended) return undefined;
      if (head === undefined) continue;
      const rank = rankOf(head);
      if (first === undefined || rank < first.rank) first = { queue, rank };
    }
    return first?.queue;
  }
}

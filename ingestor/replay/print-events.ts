/** Prints what raw records give, one event a line as `npm run normalize` does, instead of comparing it. */

import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Kafka } from "kafkajs";
import type { Exchange, Parse } from "../exchanges/exchange.ts";
import { UnreadableRecords } from "./compare/unreadable.ts";
import type { Window } from "./compare/window.ts";
import { type RawRecord, readAgain } from "./raw/raw-record.ts";
import { RawSequence } from "./raw/raw-sequence.ts";
import { RecordedFile } from "./raw/recorded-file.ts";
import { readInStep } from "./read-in-step.ts";
import type { TopicRange } from "./topic-ranges.ts";

export interface EventPrinterOptions {
  readonly window: Window;
  readonly parse: Parse;
  readonly history: Exchange["history"];
  readonly out: Writable;
  /** Takes a line about a record that can't be read. */
  readonly complain: (line: string) => void;
}

export class EventPrinter {
  readonly #options: EventPrinterOptions;
  readonly unreadable = new UnreadableRecords();

  constructor(options: EventPrinterOptions) {
    this.#options = options;
  }

  async printTopic(kafka: Kafka, parts: readonly TopicRange[]): Promise<void> {
    const raw = new RawSequence(parts.map(({ partition }) => partition));
    await readInStep(kafka, parts, {
      take: ({ partition }, messages) => raw.push(partition, messages),
      ended: ({ partition }) => raw.end(partition),
      reached: async () => {
        for (const record of raw.take()) await this.print(record);
      },
    });
  }

  async printFile(path: string): Promise<void> {
    const file = new RecordedFile(path, {
      record: (record) => this.print(record),
      bad: (reason, where) => this.#complain(reason, where),
    });
    await file.readUpTo(Number.POSITIVE_INFINITY);
  }

  /** Prints what a record gives if it was received in the window, or if there is none and nobody knows when it was. */
  async print(record: RawRecord): Promise<void> {
    const { window, parse, history, out } = this.#options;
    const unbounded = window.from === Number.NEGATIVE_INFINITY && window.to === Number.POSITIVE_INFINITY;
    if (!unbounded && !window.has(record.received)) return;
    const { events, bad } = readAgain(record, parse, history);
    if (bad !== undefined) this.#complain(bad, record.where);
    for (const event of events) {
      if (!out.write(`${JSON.stringify(event)}\n`)) await once(out, "drain");
    }
  }

  #complain(reason: string, where: string): void {
    this.unreadable.add(reason, where);
    this.#options.complain(`${where}: ${reason}`);
  }
}

/** Reads both sides as far as a window needs them, in step, and hands them to a comparison. */

import type { Admin, Kafka, KafkaMessage } from "kafkajs";
import { fromMessage } from "../log/kafka/records.ts";
import { Admission } from "../verify/admission.ts";
import type { Comparison } from "./compare/comparison.ts";
import { RawSequence } from "./raw/raw-sequence.ts";
import { RecordedFile } from "./raw/recorded-file.ts";
import { LEAD, type PartHandlers, type PartitionRange, readInStep } from "./read-in-step.ts";
import { partsOf, type TopicRange } from "./topic-ranges.ts";

/** What is compared with the log. */
export type RawSource = { readonly topic: string } | { readonly file: string };

/** A window without a beginning of its own begins where both sides do. */
export async function compareWithLog(
  { kafka, admin }: { readonly kafka: Kafka; readonly admin: Admin },
  source: RawSource,
  ticks: string,
  comparison: Comparison,
): Promise<void> {
  const { from, to } = comparison.window;
  const rawParts = "topic" in source ? await partsOf(admin, source.topic, from, to) : [];
  const tickParts = await partsOf(admin, ticks, from, to);
  const both = new BothSides(comparison, rawParts, tickParts);
  if ("file" in source) both.readAlong(source.file);
  await readInStep(kafka, [...rawParts, ...tickParts], both);
}

class BothSides implements PartHandlers {
  readonly #comparison: Comparison;
  readonly #raw: RawSequence;
  readonly #admissions: ReadonlyMap<PartitionRange, Admission>;
  readonly #isOpen: boolean;
  /** Parts of which nothing has come yet. */
  readonly #unbegun: Map<PartitionRange, TopicRange>;
  #hasRaw = false;
  #file: RecordedFile | undefined;

  constructor(comparison: Comparison, raw: readonly TopicRange[], ticks: readonly TopicRange[]) {
    this.#comparison = comparison;
    this.#raw = new RawSequence(raw.map(({ partition }) => partition));
    this.#admissions = new Map(ticks.map((part) => [part, new Admission(part.from)]));
    this.#unbegun = new Map([...raw, ...ticks].map((part) => [part, part]));
    this.#isOpen = comparison.window.from === Number.NEGATIVE_INFINITY;
  }

  /** A file's frames are the raw side. */
  readAlong(path: string): void {
    this.#file = new RecordedFile(path, {
      record: (record) => this.#comparison.raw(record),
      bad: (reason, where) => this.#comparison.unreadable.add(reason, where),
    });
  }

  take(part: PartitionRange, messages: readonly KafkaMessage[]): void {
    const admission = this.#admissions.get(part);
    this.#begin(part, messages, admission !== undefined);
    if (admission === undefined) {
      this.#raw.push(part.partition, messages);
      this.#takeRaw();
      return;
    }
    for (const record of messages.map(fromMessage)) {
      if (record !== undefined) this.#comparison.log(record, part.partition, admission.counts(record));
    }
  }

  ended(part: PartitionRange): void {
    if (this.#admissions.has(part)) return;
    this.#raw.end(part.partition);
    this.#takeRaw();
  }

  async reached(logTime: number): Promise<void> {
    await this.#file?.readUpTo(logTime + LEAD);
    this.#comparison.reached(Math.min(logTime, this.#raw.reached));
  }

  #takeRaw(): void {
    for (const record of this.#raw.take()) {
      if (this.#isOpen && !this.#hasRaw) this.#comparison.window.beginsNotBefore(record.received ?? 0);
      this.#hasRaw = true;
      this.#comparison.raw(record);
    }
  }

  /** What was received before a part begins may be missing there. */
  #begin(part: PartitionRange, [first]: readonly KafkaMessage[], isLog: boolean): void {
    if (first === undefined) return;
    const cut = this.#unbegun.get(part)?.cut ?? false;
    if (this.#unbegun.delete(part) && (cut || (this.#isOpen && isLog))) {
      this.#comparison.window.beginsNotBefore(Number(first.timestamp));
    }
  }
}

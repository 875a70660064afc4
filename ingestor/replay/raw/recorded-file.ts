/** A file of recorded frames, read on as far as the log it is compared with. */

import { createReadStream } from "node:fs";
import { lines } from "../../normalize/lines.ts";
import { LineError, readLine } from "../../normalize/recorded-line.ts";
import type { RawRecord } from "./raw-record.ts";

/** What becomes of a file's records. */
export interface FileHandlers {
  record(record: RawRecord): void | Promise<void>;
  /** A line that is no record. */
  bad(reason: string, where: string): void;
}

export class RecordedFile {
  readonly #lines: AsyncGenerator<string>;
  readonly #handlers: FileHandlers;
  #number = 0;
  #next: RawRecord | undefined;

  /** @throws (when reading) where the file can't be read */
  constructor(path: string, handlers: FileHandlers) {
    this.#lines = lines(createReadStream(path, { encoding: "utf8" }));
    this.#handlers = handlers;
  }

  /** Hands over the records up to the first that was received after a time (ms). */
  async readUpTo(time: number): Promise<void> {
    for (;;) {
      this.#next ??= await this.#read();
      if (this.#next === undefined || (this.#next.received ?? 0) > time) return;
      await this.#handlers.record(this.#next);
      this.#next = undefined;
    }
  }

  async #read(): Promise<RawRecord | undefined> {
    for (let line = await this.#lines.next(); !line.done; line = await this.#lines.next()) {
      this.#number += 1;
      const record = this.#readLine(line.value);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #readLine(line: string): RawRecord | undefined {
    try {
      return recordOf(line, `line ${this.#number}`);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#handlers.bad(error.message, `line ${this.#number}`);
      return undefined;
    }
  }
}

/** @throws {LineError} */
function recordOf(line: string, where: string): RawRecord | undefined {
  const recorded = readLine(line);
  if (recorded === undefined) return undefined;
  const { frame: text, received, kind, instrument, connection = null } = recorded;
  const record = { text, received, connection, logged: received ?? 0, where };
  if (kind !== "rest") return record;
  if (instrument === undefined) throw new LineError("instrument: needed with kind rest, such as upbit:BTC-KRW");
  return { ...record, instrument };
}

/**
 * When (ms) the first and the last frame of a file were received; undefined when none says.
 *
 * @throws when the file can't be read
 */
export async function extentOf(path: string): Promise<{ first: number; last: number } | undefined> {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  const record = ({ received }: RawRecord) => {
    if (received === null) return;
    first = Math.min(first, received);
    last = Math.max(last, received);
  };
  await new RecordedFile(path, { record, bad: () => undefined }).readUpTo(Number.POSITIVE_INFINITY);
  return first > last ? undefined : { first, last };
}

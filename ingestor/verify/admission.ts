/** Applies the log's rule to one partition, for a reader that begins without authority. */

import { type Authority, admit } from "../../protocol/log-record.ts";
import type { LogRecord } from "../log/log.ts";

export class Admission {
  readonly #readFrom: number;
  #authority: Authority | null = null;

  /** @param readFrom the offset at which reading begins */
  constructor(readFrom: number) {
    this.#readFrom = readFrom;
  }

  /** That of the newest record; empty before the first. */
  get incarnation(): string {
    return this.#authority?.incarnation ?? "";
  }

  /** Judges the next record of the partition. */
  counts({ origin, offset }: Pick<LogRecord, "origin" | "offset">): boolean {
    const { counts, authority } = admit(this.#authority, origin, offset, this.#readFrom);
    this.#authority = authority;
    return counts;
  }
}

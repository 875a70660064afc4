/** A reader's position in a partition, the authority there, and the history it needs to read again from further back. */

import type { KafkaMessage } from "kafkajs";
import { z } from "zod";
import { type Authority, admit } from "../../../../protocol/log-record.ts";
import { epochOf } from "../../../../protocol/position.ts";
import type { Logger } from "../../../logger.ts";
import type { AuthorityFrom, Expired, LogRecord } from "../../log.ts";
import { fromMessage } from "../records.ts";

/** Between two of the log times that are remembered, ms. */
const TIME_STEP = 1000;

interface LogTime {
  readonly offset: number;
  readonly logged: number;
}

/** Stands for an incarnation that is not known any more. */
const SOME_LOG = Symbol("some log");

/** Commit metadata, as JSON. */
const commitMetadata = z.object({
  authority: z.object({ incarnation: z.string(), term: z.int().positive() }).nullable(),
  logged: z.number().nullable(),
});

export class PartitionCursor {
  readonly #logger: Logger;
  /** The next offset to come; a smaller one means that the topic was made anew, or is read again. */
  #next: number;
  /** The offset at which reading without authority began. */
  #readFrom: number;
  #authority: Authority | null;
  /** Changes of authority by offset, for reading again; dropped up to the commit. */
  #history: AuthorityFrom[];
  /** The incarnation that the caller has read before `next`, where the authority there is unknown. */
  readonly #promised: string | typeof SOME_LOG | undefined;
  /** Log times (ms) of some records, one a second: the beginning of a gap of expired records. */
  #times: LogTime[];
  /** Incarnations for whose markers the log has been searched from its beginning. */
  readonly #unknown = new Set<string>();
  /** Void records met: written by a superseded collector. */
  voided = 0;

  /**
   * @param logged log time (ms) of a record shortly before `next`, where one is known
   * @param promised incarnation of which everything from `next` on is wanted, where the authority there is not known
   */
  constructor(
    logger: Logger,
    next: number,
    readFrom: number,
    authority: Authority | null,
    logged: number | null,
    promised?: string | typeof SOME_LOG,
  ) {
    this.#logger = logger;
    this.#next = next;
    this.#readFrom = readFrom;
    this.#authority = authority;
    this.#promised = promised;
    this.#history = [{ offset: next - 1, authority }];
    this.#times = logged === null ? [] : [{ offset: next - 1, logged }];
  }

  /** A cursor at the beginning of a log. @param low the first offset that it still has */
  static atBeginning(logger: Logger, low: number): PartitionCursor {
    return new PartitionCursor(logger, low, low, null, null);
  }

  /**
   * The cursor of a group whose commit was replaced by "the beginning", as kafkajs does when retention has removed what was
   * committed: whatever stood before `low`, the first offset of the log, may have been promised.
   */
  static afterReset(logger: Logger, low: number): PartitionCursor {
    return new PartitionCursor(logger, 0, low, null, null, SOME_LOG);
  }

  /** The cursor of a commit. @throws when its metadata is not what {@link metadata} made */
  static committed(logger: Logger, offset: number, low: number, metadata: string | null | undefined): PartitionCursor {
    const { authority, logged } = metadata
      ? commitMetadata.parse(JSON.parse(metadata))
      : { authority: null, logged: null };
    return new PartitionCursor(logger, offset, Math.max(low, offset), authority, logged);
  }

  /**
   * A cursor for the records after `seq`, the position of a record that counts. The authority there is unknown before the
   * commit that we began with: then reading begins with that record itself, because it counts and so its own authority is
   * the right one. Any other record might be void.
   */
  after(seq: number): PartitionCursor {
    const offset = seq + 1;
    const authority = this.#authorityAt(offset);
    if (authority !== null || this.#readFrom === 0)
      return new PartitionCursor(this.#logger, offset, this.#readFrom, authority, this.#timeBefore(offset));
    return new PartitionCursor(this.#logger, seq, seq, null, this.#timeBefore(seq), this.#authority?.incarnation);
  }

  /** The next position to read. */
  get next(): number {
    return this.#next;
  }

  /** Whose records count. */
  get authority(): Authority | null {
    return this.#authority;
  }

  epoch(partition: number): string {
    return epochOf(this.#authority?.incarnation ?? "", partition);
  }

  /** Commit metadata: the authority at `offset`, and the log time before it. */
  metadata(offset: number): string {
    return JSON.stringify({ authority: this.#authorityAt(offset), logged: this.#timeBefore(offset) });
  }

  /** Nothing before a committed offset is asked for again. */
  forget(offset: number): void {
    const index = this.#history.findLastIndex((one) => one.offset < offset);
    if (index > 0) this.#history = this.#history.slice(index);
    const time = this.#times.findLastIndex((one) => one.offset < offset);
    if (time > 0) this.#times = this.#times.slice(time);
  }

  /**
   * Records that retention removed before they were read. Offsets of a topic without transactions have no holes of their own.
   * Only where we know how far we were: a reader without a position has promised nothing.
   */
  expiredBefore(messages: readonly KafkaMessage[]): Expired | undefined {
    const first = messages[0];
    if (first === undefined || Number(first.offset) <= this.#next) return undefined;
    // Before the commit that we began with no log time is known: any record may have expired.
    const since = this.#timeBefore(this.#next) ?? (this.#promised === undefined ? null : 0);
    const incarnation = this.#authority?.incarnation ?? this.#promised;
    const sameLog =
      incarnation === SOME_LOG || (incarnation !== undefined && fromMessage(first)?.origin.incarnation === incarnation);
    if (since === null || !sameLog) return undefined;
    return { seq: Number(first.offset) - 1, since, until: Number(first.timestamp) };
  }

  /** Whether a message has been judged before: read twice, but of the same log. */
  hasJudged(message: KafkaMessage): boolean {
    if (Number(message.offset) >= this.#next || this.#authority === null) return false;
    return fromMessage(message)?.origin.incarnation === this.#authority.incarnation;
  }

  /** The next message: the record, if it counts. */
  judge(message: KafkaMessage): LogRecord | undefined {
    const offset = Number(message.offset);
    const record = fromMessage(message);
    if (offset < this.#next) this.#goBack(offset, record?.origin.incarnation);
    this.#next = offset + 1;
    const logged = Number(message.timestamp);
    if (logged - (this.#times.at(-1)?.logged ?? 0) >= TIME_STEP) this.#times.push({ offset, logged });
    if (record === undefined) return undefined;
    const { counts, authority } = admit(this.#authority, record.origin, offset, this.#readFrom);
    if (authority !== this.#authority) this.#history.push({ offset, authority });
    this.#authority = authority;
    if (!counts && record.origin.kind !== "marker") this.voided += 1;
    return counts ? record : undefined;
  }

  /**
   * Whether the log must be read from its beginning. A topic made anew may have grown past our position before we looked:
   * then its records are all of an incarnation that we have seen no marker of. Once for each: a collector that has lost the
   * log to another goes on writing under its own incarnation.
   */
  mustStartOver(messages: readonly KafkaMessage[]): boolean {
    const last = messages.at(-1);
    const origin = last === undefined ? undefined : fromMessage(last)?.origin;
    if (origin === undefined || this.#authority === null) return false;
    const { incarnation } = origin;
    const seen = this.#history.some(({ authority }) => authority?.incarnation === incarnation);
    if (seen || this.#unknown.has(incarnation)) return false;
    this.#unknown.add(incarnation);
    this.#next = Number.MAX_SAFE_INTEGER;
    return true;
  }

  /** Offsets only grow: either the same log is read again from further back, or the topic was made anew. */
  #goBack(offset: number, incarnation: string | undefined): void {
    if (this.#authority !== null && incarnation === this.#authority.incarnation) {
      this.#authority = this.#authorityAt(offset);
      this.#readFrom = Math.min(this.#readFrom, offset);
      return;
    }
    this.#logger.warn({ offset, expected: this.#next }, "the topic was made anew");
    // From its beginning nothing counts until the first marker; where that has expired, records have their own word.
    this.#readFrom = offset;
    this.#authority = null;
    this.#history = [{ offset: offset - 1, authority: null }];
    this.#times = [];
  }

  #authorityAt(offset: number): Authority | null {
    return this.#history.findLast((one) => one.offset < offset)?.authority ?? null;
  }

  #timeBefore(offset: number): number | null {
    return this.#times.findLast((one) => one.offset < offset)?.logged ?? null;
  }
}

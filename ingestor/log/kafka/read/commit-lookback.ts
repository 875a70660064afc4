/**
 * Looks back from a commit for the last position of each instrument. A pusher commits only what every feed has stored; but
 * a feed's storage may be rolled back while no pusher runs, and its position alone does not show it, since a quiet coin is
 * always far behind the commit. So a reader begins some positions before the commit, and reads the headers up to it. The events
 * themselves fill the ring of the last minute again.
 */

import type { KafkaMessage } from "kafkajs";
import { type Authority, admit } from "../../../../protocol/log-record.ts";
import type { AckedBefore } from "../../log.ts";
import { headOf, type RecordHead } from "../records.ts";

/**
 * Length of the lookback, positions: about a minute of a busy exchange's partition, within which whatever is
 * traded has had a ticker. Live prices wait for it, about 6 µs for each.
 */
export const LOOKBACK = 20_000;

interface Found extends RecordHead {
  readonly key: string;
  /** Left as it came: what does not count, or is not asked for, need not become a text. */
  readonly value: Buffer;
}

export class CommitLookback {
  /** The first position that is looked at. */
  readonly from: number;
  readonly #to: number;
  readonly #authority: Authority;
  readonly #found: Found[] = [];
  #done = false;
  #isOfThisLog = true;

  /**
   * @param low the first position that the log still has
   * @param to the commit
   * @param authority whose records count there
   */
  constructor(low: number, to: number, authority: Authority) {
    this.from = Math.max(low, to - LOOKBACK);
    this.#to = to;
    this.#authority = authority;
  }

  /** Whether it has reached the commit. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Takes in the messages before the commit.
   *
   * @param high the next position to be written: one below the commit shows that the topic was made anew
   * @returns the rest
   */
  take(messages: readonly KafkaMessage[], high: number): readonly KafkaMessage[] {
    this.#isOfThisLog = high >= this.#to;
    const after = this.#isOfThisLog ? messages.findIndex(({ offset }) => Number(offset) >= this.#to) : 0;
    const before = after < 0 ? messages : messages.slice(0, after);
    for (const message of before) {
      const head = headOf(message);
      const { key, value } = message;
      if (head !== undefined && key !== null && value !== null)
        this.#found.push({ ...head, key: key.toString(), value });
    }
    this.#done = after >= 0 || Number(messages.at(-1)?.offset) === this.#to - 1;
    return messages.slice(before.length);
  }

  /** The last positions found; undefined where no record counts. */
  positions(): AckedBefore | undefined {
    const sure = this.#found.find(({ origin }) => isOf(origin, this.#authority));
    if (sure === undefined || !this.#isOfThisLog) return undefined;
    const last = new Map<string, number>();
    let authority = this.#authorityAtStart();
    for (const { origin, offset, key } of this.#found) {
      const verdict = admit(authority, origin, offset, this.from);
      authority = verdict.authority;
      const isOfThisEpoch = origin.incarnation === this.#authority.incarnation;
      if (verdict.counts && isOfThisEpoch && origin.kind === "event") last.set(key, offset);
    }
    return { offset: this.#to, from: sure.offset, last, recent: this.#recent() };
  }

  /** The events under the authority of the commit, of which no void one is: those after its marker where that is within. */
  #recent(): AckedBefore["recent"] {
    const marker = this.#found.findIndex(({ origin }) => origin.kind === "marker" && isOf(origin, this.#authority));
    const after = this.#found[marker]?.offset ?? Math.max(0, this.from - 1);
    const counting = this.#found.slice(marker + 1).filter(({ origin }) => {
      return origin.kind === "event" && isOf(origin, this.#authority);
    });
    return { after, records: counting.map(({ value, ...head }) => ({ ...head, value: value.toString() })) };
  }

  /**
   * The commit names the authority at the end of the lookback. Where its marker is not within, it stands before it, and
   * records of lower terms are void from the beginning. Where it does, the first marker ended the term before: the
   * highest of which there is a record. Should that one have written none, a void record may pass for counting: then the log
   * is read again for a feed that lacks nothing, and that reading, which gives it nothing, judges by a record that does count.
   */
  #authorityAtStart(): Authority | null {
    const isMarker = ({ origin }: Found) => origin.kind === "marker";
    if (!this.#found.some((one) => isMarker(one) && isOf(one.origin, this.#authority))) return this.#authority;
    const before = this.#found.slice(0, this.#found.findIndex(isMarker)).map(({ origin }) => origin);
    const ours = before.filter(({ incarnation }) => incarnation === this.#authority.incarnation);
    return ours.reduce<Authority | null>((highest, one) => (one.term > (highest?.term ?? 0) ? one : highest), null);
  }
}

function isOf(origin: Authority, { incarnation, term }: Authority): boolean {
  return origin.incarnation === incarnation && origin.term === term;
}

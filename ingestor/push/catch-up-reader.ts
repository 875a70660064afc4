/**
 * Reads a partition again for feeds whose events were let go. The log is read once more in full each time, so one reading
 * serves all feeds that lack something of its stretch. None of them is waited for, and a reading is short: a feed that
 * takes nothing, or that lacks hours, keeps no other one waiting.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Expired, LogRecord, TickReader } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import type { FeedLink } from "./feed-link.ts";
import type { CatchUp } from "./parking.ts";
import { expiredGap } from "./partition.ts";

/** A reading that has passed this many positions lets those have their turn that lack what came before it. */
const TURN = 20_000;
/** Between two attempts, ms. */
const PAUSE = 1000;

export interface CatchUpReaderOptions {
  readonly partition: number;
  readonly reader: Pick<TickReader, "catchUp">;
  /** The next offset of the live reading: who has been given everything before it goes on with that. */
  readonly live: () => number;
  readonly logger: Logger;
}

/** A feed that is to be read for. */
interface Waiting {
  readonly link: FeedLink;
  readonly catchUp: CatchUp;
  /** Reading goes on after this, the position of a record that counts: what is read first is judged by it. */
  after: number;
  /** The next position to be read for it. */
  next: number;
}

export class CatchUpReader {
  readonly #options: CatchUpReaderOptions;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(options: CatchUpReaderOptions) {
    this.#options = options;
  }

  /** The feed lacks everything after `catchUp.seq`. */
  add(link: FeedLink, catchUp: CatchUp): void {
    this.#options.logger.info({ instrument: link.instrument, seq: catchUp.seq }, "reading the log again for a feed");
    this.#waiting.push({ link, catchUp, after: catchUp.seq, next: catchUp.seq + 1 });
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#dropDone() > 0) {
      try {
        if (!(await this.#turn())) await sleep(PAUSE);
      } catch (error) {
        this.#options.logger.warn({ reason: reasonOf(error) }, "reading the log again failed");
        await sleep(PAUSE);
      }
    }
    this.#running = false;
  }

  /** One reading, from where the feed whose turn it is lacks something. @returns whether the log had anything to say */
  async #turn(): Promise<boolean> {
    const from = this.#waiting[0]?.after ?? 0;
    const served = new Map<string, Waiting>();
    for (const one of this.#waiting) if (one.after >= from) served.set(one.link.instrument, one);
    let [passed, last] = [from, from];
    await this.#options.reader.catchUp(this.#options.partition, from, async (epoch, records, next, expired) => {
      give(served, epoch, records, expired);
      last = records.at(-1)?.offset ?? last;
      passed = Math.max(passed, next);
      for (const [instrument, one] of served) if (this.#isServed(one, last, next)) served.delete(instrument);
      await nextTurn();
      // Where nothing has counted yet, the next turn would come no further.
      return served.size > 0 && (passed - from < TURN || last === from);
    });
    // Behind those that have waited meanwhile.
    const rest = new Set(served.values());
    this.#waiting = [...this.#waiting.filter((one) => !rest.has(one)), ...rest];
    return passed > from;
  }

  /** Whether it needs no more of this reading, which has come to `next`; `last` was the last to count. */
  #isServed(one: Waiting, last: number, next: number): boolean {
    const { link, catchUp } = one;
    if (!link.wants(catchUp)) return true;
    link.onRead(Date.now());
    one.after = Math.max(one.after, last);
    one.next = Math.max(one.next, next);
    if (one.next >= this.#options.live()) link.unpark();
    else if (link.full) link.leaveReading();
    return !link.wants(catchUp);
  }

  /** Forgets those that need nothing any more. @returns how many are left */
  #dropDone(): number {
    for (const { link, catchUp, next } of this.#waiting) {
      if (link.wants(catchUp) && next >= this.#options.live()) link.unpark();
    }
    this.#waiting = this.#waiting.filter(({ link, catchUp }) => link.wants(catchUp));
    return this.#waiting.length;
  }
}

function give(
  served: ReadonlyMap<string, Waiting>,
  epoch: string,
  records: readonly LogRecord[],
  expired: Expired | undefined,
): void {
  const now = Date.now();
  const take = ({ link, catchUp }: Waiting, record: LogRecord) => {
    if (link.wants(catchUp)) link.takeAgain(epoch, record, now);
  };
  if (expired !== undefined) for (const one of served.values()) take(one, expiredGap(one.link.instrument, expired));
  for (const record of records) {
    const one = served.get(record.key);
    if (one !== undefined) take(one, record);
  }
}

/**
 * Who of several ingestors collects an exchange: the holder of its lease. The lease only keeps the others waiting; an
 * older collector is fenced by its term, which every reader of the log judges by.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { LeaseAnswer, LeaseRequest } from "../../protocol/ingest.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { EdgeRefusal } from "../push/edge-client.ts";

/** Asks for the lease, or for one more while of it. @throws when the edge can't be reached */
export type Hold = (request: LeaseRequest) => Promise<LeaseAnswer>;

export interface LeaseOptions {
  readonly hold: Hold;
  /** Names this ingestor. */
  readonly holder: string;
  readonly logger: Logger;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** How long the lease lasts without being renewed, ms. */
const TTL = 3000;
const RENEWAL = 1000;
/** Between two attempts to get it, ms, where its holder's time is not known to end sooner. */
const LOOK = 1000;
/** Who has never had an answer collects without a lease after this long, ms: better two of us than none. */
const PATIENCE = 5000;

export class Lease {
  readonly #options: LeaseOptions;
  #asking: Promise<void> = Promise.resolve();
  /** The edge has said no: an answer too, if not the one hoped for. */
  #refused = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /**
   * Waits until it is ours.
   *
   * @param mayGoAhead whether to do without when nobody can be asked for long
   * @returns the term to write the log under, at least; 0 without a lease
   */
  async acquire(mayGoAhead: boolean): Promise<number> {
    const { signal, logger } = this.#options;
    const begun = Date.now();
    let answered = !mayGoAhead;
    let standingBy = false;
    for (;;) {
      const answer = await this.#ask(0);
      signal.throwIfAborted();
      if (answer?.granted === true) return answer.term;
      answered ||= answer !== undefined || this.#refused;
      if (!answered && Date.now() - begun > PATIENCE) {
        logger.warn("the lease can't be asked for: collecting without it");
        return 0;
      }
      if (answer !== undefined && !standingBy)
        logger.info({ holder: answer.holder }, "another ingestor collects: standing by");
      standingBy ||= answer !== undefined;
      await sleep(Math.min(LOOK, Math.max(10, answer?.freeIn ?? LOOK)), undefined, { signal });
    }
  }

  /**
   * Renews it, for as long as it is ours; while it can't be asked, it is.
   *
   * @param term of the log's writer; 0 until it has been taken over
   * @returns when it is another's
   */
  async keep(term: () => number): Promise<void> {
    const { signal, logger } = this.#options;
    for (;;) {
      await sleep(RENEWAL, undefined, { signal });
      const ours = term();
      const answer = await this.#ask(ours);
      const outranked = answer !== undefined && ours > 0 && answer.term > ours;
      if (answer === undefined || (answer.granted && !outranked)) continue;
      logger.warn({ holder: answer.holder, term: answer.term, ours }, "another ingestor collects now");
      return;
    }
  }

  /** Resolves when no request is in flight: one that arrived after the release would take the lease again. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  async #ask(term: number): Promise<LeaseAnswer | undefined> {
    const { hold, holder, logger, signal } = this.#options;
    const asking = hold({ holder, term, ttl: TTL });
    this.#asking = asking.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await asking;
    } catch (error) {
      const refused = error instanceof EdgeRefusal;
      if (refused && !this.#refused) logger.error({ reason: reasonOf(error) }, "the edge refuses us: not collecting");
      else if (!signal.aborted) logger.debug({ reason: reasonOf(error) }, "the lease can't be asked for");
      this.#refused ||= refused;
      return undefined;
    }
  }
}

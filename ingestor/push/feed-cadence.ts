/**
 * When a feed's next batch goes out: by the rates that are listened to, in its idle time where there are none, and in empty
 * batches for a feed that still has something to do.
 */

import type { Rate } from "../../protocol/stream.ts";
import { DueRates } from "./due-rates.ts";
import type { FeedProgress } from "./feed-progress.ts";

/** What is to be sent now: whatever waits, or a batch without events. */
export type Decision = "batch" | "nudge" | undefined;

/** Someone listens: a batch at least this often, ms, so that they hear of the feed's state. */
const HEARTBEAT = 5000;

type Progress = Pick<FeedProgress, "epoch" | "waiting" | "waitingSince" | "unacked" | "isMuch">;

export class FeedCadence {
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly #idleBatch: number;
  readonly #progress: Progress;
  readonly #due = new DueRates();
  /** The log that the feed follows, as far as it has said or was told; undefined while it is not there. */
  #toldEpoch: string | null | undefined;
  /** When (ms) a feed that nobody listens to is told of another log at the latest. */
  #tellEpochAt = 0;
  #dirty = false;
  /** Empty batches sent since the feed last was clean. */
  #nudges = 0;
  #lastBatch = 0;

  constructor(idleBatch: number, progress: Progress) {
    this.#idleBatch = idleBatch;
    this.#progress = progress;
  }

  /** Whether anyone listens. */
  get listened(): boolean {
    return this.#due.wanted.length > 0;
  }

  /** Whether events go out as they are read. */
  get wantsRaw(): boolean {
    return this.#due.wantsRaw;
  }

  /** The rates that the next batch is to name as due. */
  get owed(): Rate[] {
    return this.#due.owed;
  }

  /** The feed is there, and follows this log. */
  began(epoch: string | null): void {
    this.#toldEpoch = epoch;
  }

  gone(): void {
    this.#toldEpoch = undefined;
  }

  /** The rates that anyone listens to now. */
  want(rates: readonly Rate[]): void {
    this.#due.want(rates);
  }

  /** `dirty`: the feed still has something to do. */
  acked(dirty: boolean): void {
    if (!dirty) this.#nudges = 0;
    this.#dirty = dirty;
  }

  /** The log has become another one. All feeds would wake at once: those that nobody listens to are told in their idle time. */
  epochChanged(now: number): void {
    this.#tellEpochAt = now + Math.random() * this.#idleBatch;
  }

  /** The period of these rates has ended, also while nothing can be sent. */
  tick(due: readonly Rate[]): void {
    this.#due.tick(due, this.#progress.waiting > 0);
  }

  /** On the grid, when the feed is there. `silent`: nothing comes in the whole partition. */
  decide(now: number, silent: boolean): Decision {
    const isTime = this.listened ? this.#isDue(now) : this.#isIdleTime(now, silent);
    if (isTime) return "batch";
    // What waits for a rate is sent soon, and does for a nudge.
    return this.listened && this.#progress.waiting > 0 ? undefined : this.#nudge(now);
  }

  /** A batch has gone out, with or without events, that named these rates as due. */
  sent(now: number, epoch: string, withEvents: boolean, due: readonly Rate[]): void {
    if (withEvents) this.#nudges = 0;
    this.#toldEpoch = epoch;
    this.#lastBatch = now;
    this.#due.sent(withEvents, due);
  }

  /** Someone listens: what is due, and what is more than should be gathered. */
  #isDue(now: number): boolean {
    const { waiting, isMuch } = this.#progress;
    if (this.#due.owed.length > 0 || this.#owesEpoch) return true;
    return (waiting > 0 && (this.wantsRaw || isMuch)) || now - this.#lastBatch >= HEARTBEAT;
  }

  /** Nobody listens: everything in one batch now and then, so that the object can sleep in between. */
  #isIdleTime(now: number, silent: boolean): boolean {
    const { waitingSince, isMuch } = this.#progress;
    if (this.#owesEpoch && now >= this.#tellEpochAt) return true;
    return waitingSince !== undefined && (silent || isMuch || now - waitingSince >= this.#idleBatch);
  }

  /** Whether the feed follows another log, and has not been told yet that there is a new one. */
  get #owesEpoch(): boolean {
    return this.#progress.epoch !== null && this.#toldEpoch !== this.#progress.epoch;
  }

  /** More seldom the longer it takes. */
  #nudge(now: number): Decision {
    if (!this.#dirty && this.#progress.unacked === 0) return undefined;
    const pause = this.#nudges < 10 ? 500 : this.#nudges < 20 ? 2000 : 10_000;
    if (now - this.#lastBatch < pause) return undefined;
    this.#nudges += 1;
    return "nudge";
  }
}

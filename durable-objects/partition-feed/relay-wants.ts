/**
 * What relays want of a feed that is not where the log is: it waits until the pusher has taken the feed there, by a list and then
 * batches, or has had its time. Answered before, it would begin with a hole.
 */

import type { RelayRequest } from "../../protocol/relay-frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { PendingRequests } from "../pending-requests.ts";
import type { RelayLink } from "./relay-links.ts";

/** How long that may take, ms: less than a relay lets its clients wait for it. */
const PATIENCE = 4000;

export type Want = Extract<RelayRequest, { op: "want" }>;

interface Waiting {
  readonly link: RelayLink;
  readonly want: Want;
}

export class RelayWants {
  readonly #answer: (link: RelayLink, want: Want) => void;
  readonly #onAnswered: () => void;
  /** What has to come first. */
  #awaited: "list" | "batch" | undefined;
  #queue: Waiting[] = [];
  readonly #pending = new PendingRequests();

  /**
   * @param answer to a want whose time has come
   * @param onAnswered none of those that came together is left
   */
  constructor(answer: (link: RelayLink, want: Want) => void, onAnswered: () => void) {
    this.#answer = answer;
    this.#onAnswered = onAnswered;
  }

  /** The rates that are wanted by those that wait. */
  get rates(): Rate[] {
    const names = this.#queue.flatMap(({ want }) => want.add);
    return RATES.filter((rate) => names.some((name) => name.endsWith(`@${rate}`)));
  }

  enter(link: RelayLink, want: Want): void {
    this.#queue.push({ link, want });
  }

  /** Answers at once, unless something has to come first. */
  settle(): void {
    const isReady = () => this.#awaited === undefined;
    if (this.#queue.length > 0) this.#pending.enter(isReady, PATIENCE, () => this.release());
  }

  /** The pusher is about to take the feed to where the log is, or has yet to come. */
  awaitList(): void {
    this.#awaited = "list";
  }

  /** A list is complete. A batch follows it: other lists, which were asked for by readers, may have come first. */
  onList(): void {
    if (this.#awaited === "list") this.#awaited = "batch";
  }

  onBatch(): void {
    if (this.#awaited === "batch") this.release();
  }

  /** Answers all that wait: nothing more will come first. */
  release(): void {
    this.#awaited = undefined;
    // One by one: the link of a later one may be closed by an earlier one.
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
      this.#answer(next.link, next.want);
    this.#onAnswered();
    this.#pending.settle();
  }

  /** A link is gone. */
  leave(link: RelayLink): void {
    this.#queue = this.#queue.filter((waiting) => waiting.link !== link);
  }
}

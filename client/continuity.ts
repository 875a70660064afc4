/** Proves of one stream that nothing is missing: every item names the one before it. */

import type { DataItem, SubscribedStream } from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";

/** What to do with an item: pass it on, pass it over (seen already), or resume from the last position (something is missing). */
export type Verdict = "deliver" | "repeat" | "missing";

/** On a `log` every item counts; of a `state` a newer value makes up for all before it. */
export type StreamKind = "log" | "state";

export class Continuity {
  readonly #kind: StreamKind;
  #position: Position | undefined;
  /** Whether an item brought us to the position, not only somebody's word. */
  #seen = false;
  /** Whether the server has said that it does not go on from our position: a snapshot may come and say from where. */
  #beginsAnew = true;

  /** @param from where to resume; undefined to begin with whatever comes first */
  constructor(from?: Position, kind: StreamKind = "log") {
    this.#position = from;
    this.#kind = kind;
  }

  /** Where to resume from: the last item seen, or what was named in its place. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Judges the next item of the stream; one that is delivered becomes the position. */
  judge(item: Pick<DataItem, "epoch" | "prev" | "seq" | "snapshot">): Verdict {
    const { epoch, seq } = item;
    const verdict = item.snapshot === true ? this.#judgeSnapshot(item) : this.#judgeNext(item);
    if (verdict === "deliver") {
      this.#position = { epoch, seq };
      this.#seen = true;
      this.#beginsAnew = false;
    }
    return verdict;
  }

  /** Takes the server's answer to a request that named our position: it says from where the stream goes on. */
  answered({ epoch, seq, recovered }: Pick<SubscribedStream, "epoch" | "seq" | "recovered">): void {
    this.#beginsAnew = recovered !== true;
    if (recovered === true || epoch === undefined) return;
    this.#position = { epoch, seq };
    this.#seen = false;
  }

  #judgeNext({ epoch, prev, seq }: Pick<DataItem, "epoch" | "prev" | "seq">): Verdict {
    const last = this.#position;
    if (last === undefined) return "deliver";
    if (epoch === last.epoch && seq <= last.seq) return "repeat";
    // A new epoch always begins with a snapshot.
    return epoch === last.epoch && prev === last.seq ? "deliver" : "missing";
  }

  #judgeSnapshot({ epoch, seq }: Pick<DataItem, "epoch" | "seq">): Verdict {
    const last = this.#position;
    if (last === undefined || epoch !== last.epoch) return "deliver";
    // A stream that is subscribed again begins with its newest item, which may be the one that we have.
    if (this.#seen && seq <= last.seq) return "repeat";
    // A snapshot that nobody announced would leap over what lies between.
    return this.#kind === "state" || this.#beginsAnew ? "deliver" : "missing";
  }
}

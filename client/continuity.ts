/** Proves of one stream that nothing is missing: every item names the one before it. */

import type { DataItem, SubscribedStream } from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";

/** What to do with an item: pass it on, pass it over (seen already), or resume from the last position (something is missing). */
export type ItemAction = "deliver" | "skip" | "resume";

/** On a `log` every item counts; of a `state` a newer value makes up for all before it. */
export type StreamKind = "log" | "state";

export class Continuity {
  readonly #kind: StreamKind;
  #position: Position | undefined;
  /** Whether the position is that of an item received, not only one named by the caller or the server. */
  #seen = false;
  /** Whether the server did not confirm a resume from our position: a snapshot may then set a new one. */
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
  judge(item: Pick<DataItem, "epoch" | "prev" | "seq" | "snapshot">): ItemAction {
    const { epoch, seq } = item;
    const action = item.snapshot === true ? this.#judgeSnapshot(item) : this.#judgeNext(item);
    if (action === "deliver") {
      this.#position = { epoch, seq };
      this.#seen = true;
      this.#beginsAnew = false;
    }
    return action;
  }

  /** Takes the server's answer to a resume request: the position from which the stream continues. */
  answered({ epoch, seq, recovered }: Pick<SubscribedStream, "epoch" | "seq" | "recovered">): void {
    this.#beginsAnew = recovered !== true;
    if (recovered === true || epoch === undefined) return;
    this.#position = { epoch, seq };
    this.#seen = false;
  }

  #judgeNext({ epoch, prev, seq }: Pick<DataItem, "epoch" | "prev" | "seq">): ItemAction {
    const last = this.#position;
    if (last === undefined) return "deliver";
    if (epoch === last.epoch && seq <= last.seq) return "skip";
    // A new epoch always begins with a snapshot.
    return epoch === last.epoch && prev === last.seq ? "deliver" : "resume";
  }

  #judgeSnapshot({ epoch, seq }: Pick<DataItem, "epoch" | "seq">): ItemAction {
    const last = this.#position;
    if (last === undefined || epoch !== last.epoch) return "deliver";
    // A stream that is subscribed again begins with its newest item, which may be the one that we have.
    if (this.#seen && seq <= last.seq) return "skip";
    // An unannounced snapshot would skip the items between.
    return this.#kind === "state" || this.#beginsAnew ? "deliver" : "resume";
  }
}

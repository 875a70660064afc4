/** Proves of one stream that nothing is missing: every item names the one before it. */

import type { DataItem } from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";

/** What to do with an item: pass it on, pass it over (seen already), or resume from the last position (something is missing). */
export type Verdict = "deliver" | "repeat" | "missing";

export class Continuity {
  #position: Position | undefined;

  /** @param from where to resume; undefined to begin with whatever comes first */
  constructor(from?: Position) {
    this.#position = from;
  }

  /** The last item seen. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Judges the next item of the stream; one that is delivered becomes the position. */
  judge({ epoch, prev, seq, snapshot }: Pick<DataItem, "epoch" | "prev" | "seq" | "snapshot">): Verdict {
    const last = this.#position;
    if (snapshot !== true && last !== undefined) {
      if (epoch === last.epoch && seq <= last.seq) return "repeat";
      // A new epoch always begins with a snapshot.
      if (epoch !== last.epoch || prev !== last.seq) return "missing";
    }
    this.#position = { epoch, seq };
    return "deliver";
  }

  /** The server says where the stream goes on from: before its first item, or where a resume was not possible. */
  restart(position: Position): void {
    this.#position = position;
  }
}

/**
 * How far a subscription of a connection of many streams has come: which items are new to it, and from where it goes on.
 * PROTOCOL.md §5: positions resume it, what was sent behind the last ones may come again and is dropped by `seq`.
 */

import type { DataItem, SubscribedStream } from "../protocol/frames.ts";
import type { SubscribedPattern } from "../protocol/multi-stream-frames.ts";
import type { Position } from "../protocol/position.ts";
import type { Positions } from "../protocol/positions.ts";
import type { ChannelKind } from "../protocol/stream.ts";
import { EpochMap } from "./epoch-map.ts";
import type { Place } from "./frame-shapes.ts";
import type { Subscribed } from "./handlers.ts";

/** From where to resume: a position of the stream's own instrument, or positions that a connection of many streams was told. */
export type ResumeFrom = Position | { readonly positions: Readonly<Record<string, number>> };

export class Progress {
  readonly #kind: ChannelKind;
  /** By epoch: everything up to it has come, or is from before the beginning. */
  readonly #positions = new EpochMap<number>();
  /** By epoch: where the subscription began; what is not above it is none of its items. */
  readonly #starts = new EpochMap<number>();
  /** By epoch: behind it nothing continues what came before, since that could not be resumed. */
  readonly #breaks = new EpochMap<number>();
  /** By epoch and stream: the last item that was delivered. */
  readonly #last = new EpochMap<Map<string, number>>();
  /** Streams of which something has come since the subscription began or went on. */
  readonly #flowing = new Set<string>();
  /** A position that only the server can place; it is told once. */
  #own: Position | undefined;
  #lastItem: Position | undefined;
  /** The stream begins with its newest trade. */
  #awaitsSnapshot = true;
  /** No snapshot is a wildcard's but the empty one that begins a new log. */
  #isWildcard = false;
  /** Epochs that the last connection was told positions of. */
  #told: readonly string[] = [];

  constructor(kind: ChannelKind, from?: ResumeFrom) {
    this.#kind = kind;
    if (from === undefined) return;
    if (!("positions" in from)) this.#own = from;
    else for (const [epoch, seq] of Object.entries(from.positions)) this.#positions.set(epoch, seq);
  }

  /** Where only that is known: the stream's own position to resume from. */
  get own(): Position | undefined {
    return this.#own;
  }

  get positions(): Positions {
    return this.#positions.entries;
  }

  /** The last item delivered, of whichever stream. */
  get lastItem(): Position | undefined {
    return this.#lastItem;
  }

  /** Takes positions that hold of everything delivered so far. */
  tell(told: Positions): void {
    if (this.#kind === "state") return;
    for (const [epoch, seq] of told) this.#positions.raise(epoch, seq);
    this.#told = [...told.keys()];
  }

  /**
   * Takes the server's answer to a subscribe.
   *
   * @param told the positions that came with it
   */
  begin(answer: SubscribedStream | SubscribedPattern, told: Positions): Subscribed {
    this.#flowing.clear();
    if ("matches" in answer) return this.#beginWildcard(answer, told);
    if (this.#kind === "log") return this.#beginLog(answer, told);
    return answer;
  }

  /**
   * The check of PROTOCOL.md §4, for this subscription alone: what others have seen of the stream, above all a snapshot, says
   * nothing of what this one lacks.
   *
   * @param told the last position of the epoch
   */
  lacks({ stream, epoch, prev, snapshot }: Place, told = -1): boolean {
    // A state's first value stands for itself, whatever came before it.
    if (snapshot === true || (this.#kind === "state" && !this.#flowing.has(stream))) return false;
    const had = this.#kind === "state" ? -1 : (this.#positions.get(epoch) ?? -1);
    return prev > Math.max(this.#boundOf({ stream, epoch }), told, had);
  }

  /**
   * Takes an item that nothing is missing before.
   *
   * @returns the item as far as it is new, undefined where it is not; on a log, `prev` is the item before it that this
   * subscription had, so that a chain of them is proof to anyone
   */
  take(item: DataItem): DataItem | undefined {
    const bound = this.#boundOf(item);
    const before = this.#last.get(item.epoch)?.get(item.stream);
    if (!this.pass(item, item.trades?.length === 0)) return undefined;
    if (this.#kind === "state" || item.snapshot === true) return item;
    const isChained = before !== undefined && before >= (this.#breaks.get(item.epoch) ?? 0);
    const news = above(item, bound);
    return isChained && news.prev !== before ? { ...news, prev: before } : news;
  }

  /** Whether an item at that place is new, which it is no longer then. @param isEmpty it has no trades */
  pass(place: Place, isEmpty = false): boolean {
    const { epoch, stream, seq } = place;
    this.#flowing.add(stream);
    const isSnapshot = this.#kind === "log" && place.snapshot === true;
    if (isSnapshot ? !this.#isBeginning(place, isEmpty) : seq <= this.#boundOf(place)) return false;
    const last = this.#last.get(epoch) ?? new Map<string, number>();
    last.set(stream, seq);
    this.#last.set(epoch, last);
    this.#lastItem = { epoch, seq };
    return true;
  }

  /**
   * Whether the snapshot of a log is where this subscription begins, in a new epoch too. Otherwise it was made for another
   * subscription, and the items before it are still to come.
   */
  #isBeginning({ epoch, stream, seq }: Place, isEmpty: boolean): boolean {
    const last = this.#last.get(epoch)?.get(stream);
    if (last !== undefined && seq <= last) return false;
    const isKnown = last !== undefined || this.#starts.get(epoch) !== undefined;
    if (isKnown ? !this.#awaitsSnapshot : this.#isWildcard && !isEmpty) return false;
    this.#awaitsSnapshot = false;
    return true;
  }

  #boundOf({ epoch, stream }: Pick<Place, "epoch" | "stream">): number {
    return Math.max(this.#last.get(epoch)?.get(stream) ?? -1, this.#starts.get(epoch) ?? -1);
  }

  #beginLog(answer: SubscribedStream, told: Positions): Subscribed {
    const { epoch, seq, recovered } = answer;
    this.#awaitsSnapshot = recovered !== true;
    if (epoch === undefined) return answer;
    // Positions of the old log alone say nothing of the new one, nor does the answer say that they do not.
    const isChanged = recovered === undefined && this.#positions.size > 0 && this.#positions.get(epoch) === undefined;
    this.#own = undefined;
    const start = recovered === true || seq > 0 ? seq : (told.get(epoch) ?? 0);
    this.#starts.raise(epoch, start);
    this.#positions.raise(epoch, recovered === true ? seq : (told.get(epoch) ?? seq));
    if (recovered !== true) this.#breaks.raise(epoch, start);
    return isChanged ? { ...answer, recovered: false, reason: "epoch_changed" } : answer;
  }

  #beginWildcard({ requested, stream, matches, recovered }: SubscribedPattern, told: Positions): Subscribed {
    this.#awaitsSnapshot = false;
    this.#isWildcard = true;
    const answer = { requested, stream, matches };
    if (this.#kind === "state") return answer;
    const reasons = Object.values(recovered ?? {}).filter((one) => one !== true);
    let isNew = false;
    for (const [epoch, seq] of told) {
      const claim = this.#positions.get(epoch);
      const outcome = recovered?.[epoch];
      const goesOn = claim !== undefined && (outcome === true || outcome === undefined);
      isNew ||= claim === undefined;
      this.#starts.raise(epoch, goesOn ? claim : seq);
      this.#positions.raise(epoch, seq);
      if (!goesOn) this.#breaks.raise(epoch, seq);
    }
    // Where a log has gone and another is there, nobody knows what lay between.
    if (isNew && this.#told.some((epoch) => !told.has(epoch))) reasons.push("epoch_changed");
    this.#told = [...told.keys()];
    if (recovered === undefined && reasons.length === 0) return answer;
    return { ...answer, recovered: reasons.length === 0, reason: reasons[0] };
  }
}

/** What an item has above a position. */
function above(item: DataItem, bound: number): DataItem {
  const trades = item.trades?.filter(({ seq }) => seq > bound);
  if (trades === undefined || trades.length === item.trades?.length) return item;
  const prev = item.trades?.findLast(({ seq }) => seq <= bound)?.seq ?? item.prev;
  return { ...item, prev, n: trades.length, trades };
}

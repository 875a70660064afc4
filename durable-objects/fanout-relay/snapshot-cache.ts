/** The last items of streams, for those who come later: made into snapshots only when one comes. */

import type { DataItem } from "../../protocol/frames.ts";
import type { ItemLine } from "../../protocol/relay-frames.ts";

interface Cached {
  readonly partition: string;
  readonly seq: number;
  readonly text: string;
  /** The newest item with a trade, where a gap has come since. */
  readonly trade: string;
  snapshot?: string;
}

export class SnapshotCache {
  readonly #items = new Map<string, Cached>();

  /** Names of the streams of which something is known. */
  get streams(): Iterable<string> {
    return this.#items.keys();
  }

  has(stream: string): boolean {
    return this.#items.has(stream);
  }

  seqOf(stream: string): number {
    return this.#items.get(stream)?.seq ?? 0;
  }

  /** Keeps an item that listeners have; an older one than the last is passed over. */
  put(partition: string, { stream, seq, text }: ItemLine): void {
    const before = this.#items.get(stream);
    if (before !== undefined && before.seq >= seq) return;
    const own = detached(text);
    // A gap has no trade to show.
    const trade = before !== undefined && own.includes('"gap":{') ? before.trade : own;
    this.#items.set(stream, { partition, seq, text: own, trade });
  }

  /** The first item of a new subscription as JSON; undefined where nothing is known. */
  snapshot(stream: string): string | undefined {
    const cached = this.#items.get(stream);
    if (cached === undefined) return undefined;
    cached.snapshot ??= JSON.stringify(snapshotOf(JSON.parse(cached.text), JSON.parse(cached.trade)));
    return cached.snapshot;
  }

  /** Forgets the streams that `isStale` names. */
  forget(isStale: (stream: string, partition: string) => boolean): void {
    for (const [stream, { partition }] of this.#items) if (isStale(stream, partition)) this.#items.delete(stream);
  }
}

/** A state's last item as it was; of trades the newest alone, which counts no event. Both were written by a feed of ours. */
function snapshotOf(last: DataItem, withTrade: DataItem): DataItem {
  const { gap: _gap, trades: _trades, ...item } = last;
  const snapshot = { ...item, prev: 0, snapshot: true as const };
  if (last.ticker !== undefined) return snapshot;
  return { ...snapshot, n: 0, trades: (withTrade.trades ?? []).slice(-1) };
}

/** A copy: a part of a string keeps the whole frame that it was cut from in memory. */
function detached(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

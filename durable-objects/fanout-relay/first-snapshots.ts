/** What a newcomer to streams is shown first: the last that is known of each. */

import { isPattern } from "../../protocol/pattern.ts";
import type { ItemLine } from "../../protocol/relay-frames.ts";
import type { Partitions } from "./partitions.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";
import type { StreamMatcher } from "./stream-matcher.ts";
import { type Resumed, resumeOf } from "./subscribed-frame.ts";

interface Sources {
  readonly cache: SnapshotCache;
  readonly matcher: StreamMatcher;
  readonly partitions: Partitions;
}

/**
 * Of trades only where they are named and not resumed: a wildcard's are for the proof, not to look at.
 *
 * @param had whether the client had subscribed to that name before
 * @returns items as JSON, with the names of their streams
 */
export function firstSnapshots(
  join: Resumed,
  had: (name: string) => boolean,
  { cache, matcher, partitions }: Sources,
): Pick<ItemLine, "stream" | "text">[] {
  const namesOf = (stream: string) => (isPattern(stream) ? [] : matcher.names(stream));
  const streams = new Set<string>();
  for (const one of join.wanted) {
    const { name, channel, wildcard, sources } = one.subscription;
    const view = partitions.get(sources[0]?.partition ?? "");
    if (channel === "trade" && (wildcard || view === undefined || resumeOf(join, one, view) === true)) continue;
    if (!wildcard) streams.add(name);
    else {
      for (const stream of cache.streams) {
        const names = namesOf(stream);
        if (names.includes(name) && !names.some(had)) streams.add(stream);
      }
    }
  }
  return [...streams].flatMap((stream) => {
    const text = cache.snapshot(stream);
    return text === undefined ? [] : [{ stream, text }];
  });
}

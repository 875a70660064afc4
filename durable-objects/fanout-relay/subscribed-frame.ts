/** The answer to a subscribe, PROTOCOL.md §3: what each stream that worked begins with. */

import type { ResumeOutcome } from "../../protocol/edge-counts.ts";
import type { SubscribedStream } from "../../protocol/frames.ts";
import type { MultiServerFrame, SubscribedPattern } from "../../protocol/multi-stream-frames.ts";
import type { ReadyJoin } from "./joins.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import { claimOf, type Wanted } from "./resume-plan.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

type Subscribed = Extract<MultiServerFrame, { op: "subscribed" }>;
type Reason = NonNullable<SubscribedStream["reason"]>;

/** A request as far as the answer to it goes. */
export type Resumed = Pick<ReadyJoin<never>, "id" | "wanted" | "failed" | "from" | "partitions">;

/** @param told the positions that hold with the new streams, by epoch */
export function subscribedFrame(
  join: Resumed,
  told: ReadonlyMap<string, number>,
  cache: SnapshotCache,
  partitions: Partitions,
): Subscribed {
  const { id, wanted, failed } = join;
  const streams = wanted.flatMap((one) => {
    const views = one.subscription.sources.flatMap(({ partition }) => partitions.get(partition) ?? []);
    const [first] = views;
    const answer = one.subscription.wildcard ? wildcard(join, one, views) : named(join, one, first, cache);
    return one.requested.map((requested) => ({ requested, ...answer }));
  });
  const positions = told.size === 0 ? {} : { positions: Object.fromEntries(told) };
  return { op: "subscribed", ...(id === undefined ? {} : { id }), streams, failed: [...failed], ...positions };
}

function named(
  join: Resumed,
  one: Wanted,
  view: PartitionView | undefined,
  cache: SnapshotCache,
): Omit<SubscribedStream, "requested"> {
  const { name, channel } = one.subscription;
  const epoch = view?.epoch ?? undefined;
  const base = { stream: name, ...(epoch === undefined ? {} : { epoch }) };
  const seq = cache.seqOf(name);
  if (view === undefined || epoch === undefined) return { ...base, seq: 0 };
  if (channel !== "trade") return { ...base, seq, ...(one.from === undefined ? {} : { recovered: true }) };
  const resumed = resumeOf(join, one, view);
  if (resumed === undefined) return { ...base, seq };
  if (resumed !== true) return { ...base, seq, recovered: false, reason: resumed };
  return { ...base, seq: claimOf(one, epoch, join.from) ?? 0, recovered: true };
}

/** How the resume of a stream goes in a partition; undefined where none was asked for. */
export function resumeOf(join: Resumed, one: Wanted, view: PartitionView): true | Reason | undefined {
  const claim = view.epoch === null ? undefined : claimOf(one, view.epoch, join.from);
  if (claim === undefined) return one.from === undefined ? undefined : "epoch_changed";
  const oldest = join.partitions.find((other) => other.view === view)?.oldest ?? 0;
  return claim < oldest ? "too_old" : true;
}

/** How a subscription goes in a partition, to be counted. */
export function outcomeOf(join: Resumed, one: Wanted, view: PartitionView): ResumeOutcome {
  if (one.subscription.channel !== "trade") return one.from === undefined ? "began_anew" : "recovered";
  const resumed = resumeOf(join, one, view) ?? "began_anew";
  return resumed === true ? "recovered" : resumed;
}

function wildcard(join: Resumed, one: Wanted, views: readonly PartitionView[]): Omit<SubscribedPattern, "requested"> {
  const { name: stream, matches } = one.subscription;
  const recovered: Record<string, true | Reason> = {};
  for (const view of views) {
    const resumed = resumeOf(join, one, view);
    if (resumed !== undefined && view.epoch !== null) recovered[view.epoch] = resumed;
  }
  return { stream, matches, ...(Object.keys(recovered).length === 0 ? {} : { recovered }) };
}

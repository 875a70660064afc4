/**
 * How the trade streams of one request begin in one partition: live at once, or with what is sent again from a position.
 *
 * The rule behind it: the client must be sent everything of a stream above the position that it is told, and of a named one
 * everything behind its snapshot. So what joins at a later position than that is sent again from there.
 */

import type { Position } from "../../protocol/position.ts";
import type { Subscription } from "./markets.ts";
import type { PartitionView } from "./partition-view.ts";

/** A stream or wildcard that was asked for in good form. */
export interface Wanted {
  readonly subscription: Subscription;
  /** The names that it was asked for by: `…@trade` and `…@trade@100ms` are one stream. */
  readonly requested: readonly string[];
  /** Its own position to resume from. */
  readonly from: Position | undefined;
  /** Whether the client has it already. */
  readonly had: boolean;
}

export interface ResumePlan {
  /** The position that holds with the new streams. */
  readonly told: number;
  /** What is to be sent again: the feed's names, and the client's. */
  readonly again: { readonly names: readonly string[]; readonly subscriptions: readonly string[] };
}

export interface JoinConditions {
  /** Positions before it count as none: what came since can't be had any more. */
  readonly oldest?: number;
  /** The client joins only when something else has come: by then everything has moved on. */
  readonly later?: boolean;
  /** Whether a newcomer to a stream can be shown where it is. */
  readonly hasSnapshot: (stream: string) => boolean;
}

/** From where a subscription is resumed in a partition; undefined where it begins anew. */
export function claimOf({ from, subscription }: Wanted, epoch: string, positions: Positions): number | undefined {
  if (subscription.channel !== "trade") return undefined;
  if (from !== undefined) return from.epoch === epoch ? from.seq : undefined;
  return Object.hasOwn(positions, epoch) ? positions[epoch] : undefined;
}

/** `from` of a subscribe. */
type Positions = Readonly<Record<string, number>>;

/**
 * @param wanted the request's trade streams
 * @param existing the client's position from its other trade streams of the partition; undefined where it has none
 * @returns undefined where nothing of the request comes from this partition, or nothing is known of it yet
 */
export function resumePlan(
  view: PartitionView,
  wanted: readonly Wanted[],
  positions: Positions,
  existing: number | undefined,
  conditions: JoinConditions,
): ResumePlan | undefined {
  const { epoch } = view;
  if (epoch === null) return undefined;
  const { later = false } = conditions;
  const joins = wanted.flatMap((one) => joinsOf(view, one, claimOf(one, epoch, positions), conditions));
  if (joins.length === 0) return undefined;
  const told = Math.min(existing ?? Number.POSITIVE_INFINITY, ...joins.map(boundOf));
  // New wildcards alone begin where the last of their rates is.
  if (told === Number.POSITIVE_INFINITY) {
    return { told: Math.max(...joins.map(({ start }) => start)), again: { names: [], subscriptions: [] } };
  }
  const again = joins.filter((join) => isAgain(join, told, existing, later));
  return {
    told,
    again: {
      names: [...new Set(again.map(({ name }) => name))],
      subscriptions: [...new Set(again.map(({ subscription }) => subscription))],
    },
  };
}

/** A position that the one that is told must not be above: everything behind it is owed. */
function boundOf({ anchored, claim, start }: Join): number {
  return claim ?? (anchored ? start : Number.POSITIVE_INFINITY);
}

function isAgain(
  { anchored, claim, start }: Join,
  told: number,
  existing: number | undefined,
  later: boolean,
): boolean {
  if (claim !== undefined || !anchored) return later || start > told;
  // At a slower rate than the others, the stream has been sent less far than they have: that would lower what holds of them.
  return existing !== undefined && (later || start < existing);
}

interface Join {
  readonly name: string;
  readonly subscription: string;
  readonly start: number;
  readonly claim: number | undefined;
  /** Begins with a snapshot, and not with the position that is told, as wildcards do and streams of which nothing is known. */
  readonly anchored: boolean;
}

function joinsOf(
  view: PartitionView,
  { subscription }: Wanted,
  claim: number | undefined,
  { oldest = 0, hasSnapshot }: JoinConditions,
): Join[] {
  const { name: subscribed, sources, rate, wildcard, channel } = subscription;
  if (channel !== "trade") return [];
  const valid = claim !== undefined && claim >= oldest ? claim : undefined;
  return sources.flatMap(({ partition, name }) => {
    if (partition !== view.name) return [];
    const anchored = !wildcard && hasSnapshot(name);
    return [{ name, subscription: subscribed, start: view.startOf(name, rate), claim: valid, anchored }];
  });
}

/** Up to where the members of an audience have everything of their `trade` streams, PROTOCOL.md §3. */

import type { Audience, Audiences } from "./audience.ts";
import { DataFrame, type PositionsByEpoch } from "./outgoing-frames.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";

type Listening = Pick<Audience<never>, "tradeRates" | "catchingUp">;

/** Up to where an audience has everything of its trade streams of a partition; undefined where it has none, or nothing is known. */
export function positionOf(audience: Listening, view: PartitionView): number | undefined {
  const rates = audience.tradeRates.get(view.name);
  if (rates === undefined || view.epoch === null) return undefined;
  const recovery = audience.catchingUp?.recoveries.get(view.name);
  if (recovery !== undefined) return recovery.told;
  return Math.max(view.sentAt(rates), audience.catchingUp?.floors.get(view.name) ?? 0);
}

export function positionsOf(audience: Listening, views: Iterable<PartitionView>): PositionsByEpoch {
  const positions: Record<string, number> = {};
  for (const view of views) {
    const position = positionOf(audience, view);
    if (position !== undefined && view.epoch !== null) positions[view.epoch] = position;
  }
  return positions;
}

/**
 * Of every partition that the audience has trade streams of, and what it has named besides.
 *
 * @param told what is told of some of them just now
 */
export function allPositionsOf(
  audience: Listening | undefined,
  partitions: Partitions,
  told: PositionsByEpoch = {},
): PositionsByEpoch {
  if (audience === undefined) return told;
  const claims = Object.fromEntries(audience.catchingUp?.claims ?? []);
  return { ...claims, ...positionsOf(audience, tradeViews(audience, partitions)), ...told };
}

function tradeViews({ tradeRates }: Listening, partitions: Partitions): PartitionView[] {
  return [...tradeRates.keys()].flatMap((name) => partitions.get(name) ?? []);
}

/** Tells positions without items: silence, too, is a proof that nothing is missing. */
export class PositionBroadcaster<Client extends object> {
  readonly #audiences: Audiences<Client>;
  readonly #partitions: Partitions;
  readonly #ports: Pick<RelayPorts<Client>, "send">;

  constructor(audiences: Audiences<Client>, partitions: Partitions, ports: Pick<RelayPorts<Client>, "send">) {
    this.#audiences = audiences;
    this.#partitions = partitions;
    this.#ports = ports;
  }

  /** Tells everyone all of theirs. */
  tellAll(): void {
    for (const audience of this.#audiences.all) this.#tell(audience, tradeViews(audience, this.#partitions));
  }

  /** Tells everyone who has trades of a partition the position there. */
  tell(view: PartitionView): void {
    for (const audience of this.#audiences.all) this.#tell(audience, [view]);
  }

  #tell(audience: Audience<Client>, views: readonly PartitionView[]): void {
    const positions = positionsOf(audience, views);
    if (Object.keys(positions).length === 0) return;
    const frame = new DataFrame([], [], positions, () => allPositionsOf(audience, this.#partitions));
    for (const client of audience.members) this.#ports.send(client, frame);
  }
}

/** Joins what is due into one frame for each audience, and says with it up to where they have everything. */

import type { ItemLine } from "../../protocol/relay-frames.ts";
import type { Audience, Audiences } from "./audience.ts";
import { isTrade } from "./item-lines.ts";
import type { PartitionView } from "./partition-view.ts";
import type { StreamMatcher } from "./stream-matcher.ts";

/** What is due for one audience. */
interface Due {
  readonly texts: string[];
  readonly partitions: Set<PartitionView>;
  last: ItemLine | undefined;
}

/** Lines of one partition, oldest first. */
export interface PartitionLines {
  readonly view: PartitionView;
  readonly lines: readonly ItemLine[];
}

export class Delivery<Client extends object> {
  readonly #audiences: Audiences<Client>;
  readonly #matcher: StreamMatcher;

  constructor(audiences: Audiences<Client>, matcher: StreamMatcher) {
    this.#audiences = audiences;
    this.#matcher = matcher;
  }

  /** The frame of every audience that something is due for; what those who catch up must wait for is kept with them. */
  frames(due: Iterable<PartitionLines>): Map<Audience<Client>, string> {
    const all = new Map<Audience<Client>, Due>();
    for (const { view, lines } of due) {
      for (const line of lines) {
        const names = this.#matcher.names(line.stream);
        for (const name of names) {
          for (const audience of this.#audiences.listeners(name)) this.#add(audience, view, line, names, all);
        }
      }
    }
    const frames = new Map<Audience<Client>, string>();
    for (const [audience, { texts, partitions }] of all) {
      if (texts.length > 0) frames.set(audience, dataFrame(texts, positionsOf(audience, partitions)));
    }
    return frames;
  }

  /** Subscriptions that overlap give an item once. */
  #add(
    audience: Audience<Client>,
    view: PartitionView,
    line: ItemLine,
    names: readonly string[],
    all: Map<Audience<Client>, Due>,
  ): void {
    let due = all.get(audience);
    if (due === undefined) {
      due = { texts: [], partitions: new Set(), last: undefined };
      all.set(audience, due);
    }
    if (due.last === line) return;
    due.last = line;
    const recovery = isTrade(line) ? audience.catchingUp?.recoveries.get(view.name) : undefined;
    if (recovery !== undefined) {
      // What it is being sent again comes with that.
      if (!names.some((name) => recovery.subscriptions.has(name))) recovery.held.push(line);
      return;
    }
    due.texts.push(line.text);
    due.partitions.add(view);
  }
}

/** Up to where an audience has everything of its trade streams of a partition; undefined where it has none, or nothing is known. */
export function positionOf(
  audience: Pick<Audience<never>, "tradeRates" | "catchingUp">,
  view: PartitionView,
): number | undefined {
  const rates = audience.tradeRates.get(view.name);
  if (rates === undefined || view.epoch === null) return undefined;
  const recovery = audience.catchingUp?.recoveries.get(view.name);
  if (recovery !== undefined) return recovery.told;
  return Math.max(view.sentAt(rates), audience.catchingUp?.floors.get(view.name) ?? 0);
}

/** By epoch. */
export function positionsOf(
  audience: Pick<Audience<never>, "tradeRates" | "catchingUp">,
  views: Iterable<PartitionView>,
): Record<string, number> {
  const positions: Record<string, number> = {};
  for (const view of views) {
    const position = positionOf(audience, view);
    if (position !== undefined && view.epoch !== null) positions[view.epoch] = position;
  }
  return positions;
}

/** @param texts items as JSON */
export function dataFrame(texts: readonly string[], positions: Readonly<Record<string, number>> = {}): string {
  const told = Object.keys(positions).length === 0 ? "" : `,"positions":${JSON.stringify(positions)}`;
  return `{"op":"data","data":[${texts.join(",")}]${told}}`;
}

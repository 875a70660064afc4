/** Joins what is due into one frame for each audience, and says with it up to where they have everything. */

import type { ItemLine } from "../../protocol/relay-frames.ts";
import type { Audience, Audiences } from "./audience.ts";
import { allPositionsOf, positionsOf } from "./audience-positions.ts";
import { isTrade } from "./item-lines.ts";
import { DataFrame, type ItemCount } from "./outgoing-frames.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import type { StreamMatcher } from "./stream-matcher.ts";

/** What is due for one audience. */
interface Due {
  readonly texts: string[];
  readonly partitions: Set<PartitionView>;
  /** What of it is of which exchange, in turns. */
  readonly items: ItemCount[];
  counted: ItemCount | undefined;
  last: ItemLine | undefined;
}

/** A line, the names under which it is wanted, and whether it is of trades. */
interface DueLine {
  readonly line: ItemLine;
  readonly names: readonly string[];
  readonly trade: boolean;
}

/** Lines of one partition, oldest first. */
export interface PartitionLines {
  readonly view: PartitionView;
  readonly lines: readonly ItemLine[];
}

export class Delivery<Client extends object> {
  readonly #audiences: Audiences<Client>;
  readonly #matcher: StreamMatcher;
  readonly #partitions: Partitions;

  constructor(audiences: Audiences<Client>, matcher: StreamMatcher, partitions: Partitions) {
    this.#audiences = audiences;
    this.#matcher = matcher;
    this.#partitions = partitions;
  }

  /**
   * The frame of every audience that something is due for; what those who catch up must wait for is kept with them. One after
   * the other: a frame that has been sent is garbage before the next is joined, and thousands at once cost more than all joining.
   */
  *frames(due: Iterable<PartitionLines>): Iterable<readonly [Audience<Client>, DataFrame]> {
    const all = new Map<Audience<Client>, Due>();
    for (const { view, lines } of due) {
      for (const line of lines) {
        // Looked at once for a line, not once for everyone who is sent it.
        const one = { line, names: this.#matcher.names(line.stream), trade: isTrade(line) };
        for (const name of one.names) {
          for (const audience of this.#audiences.listeners(name)) this.#add(audience, view, one, all);
        }
      }
    }
    for (const [audience, { texts, items, partitions }] of all) {
      if (texts.length === 0) continue;
      const all = () => allPositionsOf(audience, this.#partitions);
      yield [audience, new DataFrame(texts, items, positionsOf(audience, partitions), all)];
    }
  }

  /** Subscriptions that overlap give an item once. */
  #add(
    audience: Audience<Client>,
    view: PartitionView,
    { line, names, trade }: DueLine,
    all: Map<Audience<Client>, Due>,
  ): void {
    let due = all.get(audience);
    if (due === undefined) {
      due = { texts: [], partitions: new Set(), items: [], counted: undefined, last: undefined };
      all.set(audience, due);
    }
    if (due.last === line) return;
    due.last = line;
    const recovery = trade ? audience.catchingUp?.recoveries.get(view.name) : undefined;
    if (recovery !== undefined) {
      // What it is being sent again comes with that.
      if (!names.some((name) => recovery.subscriptions.has(name))) recovery.held.push(line);
      return;
    }
    due.texts.push(line.text);
    due.partitions.add(view);
    if (due.counted?.exchange !== view.exchange) {
      due.counted = { exchange: view.exchange, count: 0 };
      due.items.push(due.counted);
    }
    due.counted.count += 1;
  }
}

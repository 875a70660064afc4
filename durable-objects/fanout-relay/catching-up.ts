/**
 * What is known of a client that does not have everything yet. Its live trades of a partition wait until what it missed of that
 * partition has been sent, and the position that it was told stands still.
 */

import type { ItemLine } from "../../protocol/relay-frames.ts";

/** What a client misses of one partition. */
export interface Recovery {
  /** The client's subscriptions that it is sent again. */
  readonly subscriptions: ReadonlySet<string>;
  /** The position that it was told. */
  readonly told: number;
  /** Streams of which it has named a position of its own: what it has of them is left out. */
  readonly own: ReadonlyMap<string, number>;
  /** Its live trades besides. */
  readonly held: ItemLine[];
}

export class CatchingUp {
  /** By partition. */
  readonly recoveries = new Map<string, Recovery>();
  /**
   * By partition: the client has everything up to there, from before or by another way, although a slow rate of its has not
   * been sent that far.
   */
  readonly floors = new Map<string, number>();
  /** By epoch: positions that it has named and nothing is known of yet, where all that it comes back with is its last id. */
  readonly claims = new Map<string, number>();

  /** Whether it has nothing to wait for any more. */
  get isDone(): boolean {
    return this.recoveries.size + this.floors.size + this.claims.size === 0;
  }
}

/**
 * Positions that clients have named while nothing was known of the log of some of their partitions: the positions may be of those
 * logs. Once a log is known, such a client has to come back and name them again: it would miss without a word what lies between.
 */

import type { ReadyJoin } from "./joins.ts";
import type { Partitions } from "./partitions.ts";

/** A request as far as it names positions. */
type Named = Pick<ReadyJoin<never>, "wanted" | "from">;

interface Unresolved {
  readonly claims: ReadonlyMap<string, number>;
  /** Of which nothing was known. */
  readonly partitions: ReadonlySet<string>;
}

const NOTHING: Unresolved = { claims: new Map(), partitions: new Set() };

export class UnresolvedPositions<Client extends object> {
  readonly #partitions: Partitions;
  readonly #clients = new Map<Client, Unresolved>();

  constructor(partitions: Partitions) {
    this.#partitions = partitions;
  }

  /**
   * A request is being answered.
   *
   * @param told positions that the answer says, by epoch
   * @returns what is left of the client's, by epoch
   */
  answered(client: Client, { wanted, from }: Named, told: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const before = this.#clients.get(client) ?? NOTHING;
    const own = wanted.flatMap((one) => (one.from === undefined ? [] : [[one.from.epoch, one.from.seq] as const]));
    const named = [...before.claims, ...Object.entries(from), ...own];
    const claims = new Map(named.filter(([epoch]) => !told.has(epoch)));
    const sources = wanted.flatMap(({ subscription }) =>
      subscription.channel === "trade" ? subscription.sources : [],
    );
    const unknown = sources
      .map(({ partition }) => partition)
      .filter((one) => this.#partitions.get(one)?.epoch === null);
    const partitions = new Set([...before.partitions, ...unknown]);
    this.remove(client);
    if (claims.size === 0 || partitions.size === 0) return NOTHING.claims;
    this.#clients.set(client, { claims, partitions });
    return claims;
  }

  /** The clients who have to come back now that the log of a partition is known. */
  of(partition: string): Client[] {
    return [...this.#clients].flatMap(([client, { partitions }]) => (partitions.has(partition) ? [client] : []));
  }

  remove(client: Client): void {
    this.#clients.delete(client);
  }
}

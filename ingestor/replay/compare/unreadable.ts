/** Records that can't be read, by kind of fault. */

import { faultKind } from "../../exchanges/exchange.ts";

/** Kinds that are kept: what an exchange may send is without end. */
const KINDS = 100;

export interface Unreadable {
  /** That of the first one. */
  readonly reason: string;
  /** Where the first one stands. */
  readonly where: string;
  count: number;
}

export class UnreadableRecords {
  readonly #kinds = new Map<string, Unreadable>();
  total = 0;

  /** By kind; those beyond the first {@link KINDS} kinds are only in the total. */
  get kinds(): readonly Unreadable[] {
    return [...this.#kinds.values()];
  }

  add(reason: string, where: string): void {
    this.total += 1;
    const kind = faultKind(reason);
    const known = this.#kinds.get(kind);
    if (known !== undefined) known.count += 1;
    else if (this.#kinds.size < KINDS) this.#kinds.set(kind, { reason, where, count: 1 });
  }
}

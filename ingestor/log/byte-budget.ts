/** What may wait in memory, in bytes, for all exchanges of this process together. */

/** A part of a budget; its owner gives it back with {@link ByteShare.close}. */
export class ByteShare {
  readonly #budget: ByteBudget;
  /** What its owner holds, bytes. */
  bytes = 0;
  #full = false;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** What its owner may hold, bytes: less as soon as there are more owners. */
  get limit(): number {
    return this.#budget.limitEach;
  }

  /** From when the limit is reached until half of it is free: who stops and goes on at one figure does both all the time. */
  get isFull(): boolean {
    if (this.bytes >= this.limit) this.#full = true;
    else if (this.bytes <= this.limit / 2) this.#full = false;
    return this.#full;
  }

  close(): void {
    this.#budget.remove(this);
  }
}

/** Divided evenly: an exchange whose log is away must not take from the others what they wait in. */
export class ByteBudget {
  readonly #bytes: number;
  readonly #shares = new Set<ByteShare>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get limitEach(): number {
    return this.#bytes / Math.max(1, this.#shares.size);
  }

  share(): ByteShare {
    const share = new ByteShare(this);
    this.#shares.add(share);
    return share;
  }

  remove(share: ByteShare): void {
    this.#shares.delete(share);
  }
}

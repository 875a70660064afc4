/** Bounds the bytes that wait in memory, for all exchanges of this process together. */

/** One exchange's part of a {@link MemoryPool}. */
export class MemoryReservation {
  readonly #pool: MemoryPool;
  /** In use, bytes; counted by its owner. */
  bytes = 0;
  #full = false;

  constructor(pool: MemoryPool) {
    this.#pool = pool;
  }

  /** Upper bound of `bytes`; shrinks as soon as the pool has more reservations. */
  get limit(): number {
    return this.#pool.limitEach;
  }

  /** Hysteresis: true from the limit on until half of it is free, so that whoever pauses does not flap. */
  get isFull(): boolean {
    if (this.bytes >= this.limit) this.#full = true;
    else if (this.bytes <= this.limit / 2) this.#full = false;
    return this.#full;
  }

  /** Returns the reservation to the pool. */
  close(): void {
    this.#pool.remove(this);
  }
}

/** Divided evenly: an exchange whose log is away must not use up the memory of the others. */
export class MemoryPool {
  readonly #bytes: number;
  readonly #reservations = new Set<MemoryReservation>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get limitEach(): number {
    return this.#bytes / Math.max(1, this.#reservations.size);
  }

  reserve(): MemoryReservation {
    const reservation = new MemoryReservation(this);
    this.#reservations.add(reservation);
    return reservation;
  }

  remove(reservation: MemoryReservation): void {
    this.#reservations.delete(reservation);
  }
}

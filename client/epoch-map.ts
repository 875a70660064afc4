/** Values by epoch. Logs come and go: the oldest epochs are forgotten, lest a request with all of them grows too long. */

const MAX_EPOCHS = 256;

export class EpochMap<Value> {
  readonly #values = new Map<string, Value>();

  get entries(): ReadonlyMap<string, Value> {
    return this.#values;
  }

  get size(): number {
    return this.#values.size;
  }

  get(epoch: string): Value | undefined {
    return this.#values.get(epoch);
  }

  set(epoch: string, value: Value): void {
    // The one set last stands last.
    this.#values.delete(epoch);
    this.#values.set(epoch, value);
    if (this.#values.size <= MAX_EPOCHS) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }

  /** Sets a number unless a higher one stands there. */
  raise(this: EpochMap<number>, epoch: string, seq: number): void {
    this.set(epoch, Math.max(seq, this.get(epoch) ?? 0));
  }
}

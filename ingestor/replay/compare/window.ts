/** The times of receipt (ms) that are compared: what was asked for, and of that what both sides still have. */

export class Window {
  #from: number;
  readonly to: number;

  /** From the first of these times on, up to the second and without it. */
  constructor(from: number, to: number) {
    this.#from = from;
    this.to = to;
  }

  get from(): number {
    return this.#from;
  }

  /** One of the two sides begins only here. */
  beginsNotBefore(time: number): void {
    this.#from = Math.max(this.#from, time);
  }

  has(received: number | null): boolean {
    return received !== null && received >= this.#from && received < this.to;
  }
}

/** Keeps connection attempts within what an exchange allows: over it, some ban the address for minutes. */

export class ConnectBudget {
  readonly #count: number;
  readonly #per: number;
  #attempts: number[] = [];

  /** @param limit `count` attempts in any `per` ms */
  constructor({ count, per }: { readonly count: number; readonly per: number }) {
    this.#count = count;
    this.#per = per;
  }

  /** Takes an attempt. @returns how long to wait before making it, ms */
  take(now: number): number {
    this.#attempts = this.#attempts.filter((at) => at > now - this.#per);
    const blocking = this.#attempts.at(-this.#count);
    const at = this.#attempts.length < this.#count || blocking === undefined ? now : blocking + this.#per;
    this.#attempts.push(at);
    return at - now;
  }
}

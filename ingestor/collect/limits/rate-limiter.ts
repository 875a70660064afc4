/** Keeps what we do to an exchange within what it allows: connections, messages, requests. Over it, some ban the address for minutes. */

import type { Limit } from "../../exchanges/exchange.ts";

export class RateLimiter {
  readonly #count: number;
  readonly #per: number;
  #taken: number[] = [];

  constructor({ count, per }: Limit) {
    this.#count = count;
    this.#per = per;
  }

  /** Takes one. @returns how long to wait before using it, ms */
  take(now: number): number {
    this.#taken = this.#taken.filter((at) => at > now - this.#per);
    const blocking = this.#taken.at(-this.#count);
    const at = this.#taken.length < this.#count || blocking === undefined ? now : blocking + this.#per;
    this.#taken.push(at);
    return at - now;
  }
}

/** A token bucket per client socket. It lives in memory only: an object that slept gives everyone a full bucket. */

interface Bucket {
  tokens: number;
  at: number;
}

export class TokenBucket {
  readonly #perSecond: number;
  readonly #buckets = new WeakMap<WebSocket, Bucket>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes messages' tokens from the socket's bucket, one by default; false when there are not so many left. `now` in ms. */
  spend(ws: WebSocket, now: number, messages = 1): boolean {
    const bucket = this.#refilled(ws, now);
    if (bucket.tokens < messages) return false;
    bucket.tokens -= messages;
    return true;
  }

  /** Takes more for what a message turned out to cost, on credit: the next ones wait for it. */
  charge(ws: WebSocket, messages: number, now: number): void {
    this.#refilled(ws, now).tokens -= messages;
  }

  #refilled(ws: WebSocket, now: number): Bucket {
    const bucket = this.#buckets.get(ws) ?? { tokens: this.#perSecond, at: now };
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    this.#buckets.set(ws, bucket);
    return bucket;
  }
}

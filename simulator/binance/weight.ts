const MINUTE = 60_000;

/** Counts the weight of each IP's requests in the running minute of the clock. */
export class WeightMeter {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #used = new Map<string, number>();
  #minute = 0;

  /** `now` is in epoch ms. */
  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Adds a request; answers what is used with it, and after how many seconds to come back when that is too much. */
  spend(ip: string, weight: number): { readonly used: number; readonly retryAfter?: number } {
    const now = this.#now();
    const minute = Math.floor(now / MINUTE);
    if (minute !== this.#minute) this.#used.clear();
    this.#minute = minute;
    const used = (this.#used.get(ip) ?? 0) + weight;
    this.#used.set(ip, used);
    return used <= this.#perMinute ? { used } : { used, retryAfter: Math.ceil(((minute + 1) * MINUTE - now) / 1_000) };
  }
}

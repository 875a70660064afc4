import type { Limit } from "../sliding-window-limiter.ts";

/** What is left to an IP; `resetSeconds` until the window begins anew, `exceeded` when even this request was too many. */
interface Left {
  readonly remaining: number;
  readonly resetSeconds: number;
  readonly exceeded: boolean;
}

/** Counts requests per IP in fixed windows, as Korbit's `Ratelimit` headers describe them. */
export class FixedWindowLimiter {
  readonly #limit: Limit;
  readonly #now: () => number;
  readonly #windows = new Map<string, { readonly ends: number; used: number }>();

  constructor(limit: Limit, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Counts one request of an IP. */
  take(ip: string): Left {
    const now = this.#now();
    const running = this.#windows.get(ip);
    const window = running && now < running.ends ? running : { ends: now + this.#limit.withinMs, used: 0 };
    this.#windows.set(ip, window);
    window.used += 1;
    const left = this.#limit.count - window.used;
    return {
      remaining: Math.max(0, left),
      resetSeconds: Math.ceil((window.ends - now) / 1_000),
      exceeded: left < 0,
    };
  }
}

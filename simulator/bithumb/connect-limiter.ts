import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { BithumbSettings } from "./settings.ts";

/** The connection limit: too many connections within a second are refused, and their IP is blocked for a while. */
export class ConnectLimiter {
  readonly #connects: SlidingWindowLimiter;
  readonly #blockMs: number;
  readonly #now: () => number;
  /** Until when, ms of `now`, by IP. */
  readonly #blocked = new Map<string, number>();

  constructor({ connects, blockMs }: BithumbSettings, now: () => number = () => performance.now()) {
    this.#connects = new SlidingWindowLimiter(connects, now);
    this.#blockMs = blockMs;
    this.#now = now;
  }

  /** Counts one connection; answers why it is refused, as an HTTP status line, and undefined when it is not. */
  refusal(ip: string): string | undefined {
    if (this.#now() < (this.#blocked.get(ip) ?? 0)) return "403 Forbidden";
    if (this.#connects.take(ip)) return undefined;
    this.#blocked.set(ip, this.#now() + this.#blockMs);
    return "429 Too Many Requests";
  }
}

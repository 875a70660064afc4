import type { Trade } from "../trade.ts";

/** Holds each market's trades back for a few ms, so that those executed together share a frame. */
export class TradeBatcher {
  readonly #ms: number;
  readonly #send: (market: string, trades: readonly Trade[]) => void;
  readonly #waiting = new Map<string, { readonly trades: Trade[]; readonly due: NodeJS.Timeout }>();

  /** `ms` from a market's first trade to `send` with all of that time, oldest first; 0 sends each at once. */
  constructor(ms: number, send: (market: string, trades: readonly Trade[]) => void) {
    this.#ms = ms;
    this.#send = send;
  }

  add(trade: Trade): void {
    const { market } = trade;
    const waiting = this.#waiting.get(market);
    if (this.#ms === 0) this.#send(market, [trade]);
    else if (waiting) waiting.trades.push(trade);
    else this.#waiting.set(market, { trades: [trade], due: setTimeout(() => this.release(market), this.#ms) });
  }

  /** Sends what a market has waiting. */
  release(market: string): void {
    const waiting = this.#waiting.get(market);
    if (!waiting) return;
    clearTimeout(waiting.due);
    this.#waiting.delete(market);
    this.#send(market, waiting.trades);
  }

  /** Drops what is waiting. */
  close(): void {
    for (const { due } of this.#waiting.values()) clearTimeout(due);
    this.#waiting.clear();
  }
}

import type { Ticker } from "../statistics.ts";

/** Gathers the newest figures of the markets that have changed and gives them out together, again and again. */
export class ChangedTickers {
  readonly #changed = new Map<string, Ticker>();
  readonly #timer: NodeJS.Timeout;

  /** `publish` is called every `everyMs` in which something has changed. */
  constructor(everyMs: number, publish: (changed: readonly Ticker[]) => void) {
    this.#timer = setInterval(() => {
      const changed = [...this.#changed.values()];
      this.#changed.clear();
      if (changed.length > 0) publish(changed);
    }, everyMs);
  }

  /** A market's figures have changed. */
  note(ticker: Ticker): void {
    this.#changed.set(ticker.market, ticker);
  }

  /** A market was delisted: its pending ticker is dropped. */
  forget(code: string): void {
    this.#changed.delete(code);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

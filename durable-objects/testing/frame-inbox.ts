/** Frames that a test has yet to look at: they are waited for, never slept for. */

/** How long a frame may take, ms. */
const PATIENCE = 12_000;

interface Waiter<F> {
  readonly matches: (frame: F) => boolean;
  readonly found: (frame: F) => void;
}

export class FrameInbox<F> {
  readonly seen: F[] = [];
  #unread: F[] = [];
  #waiters: Waiter<F>[] = [];

  put(frame: F): void {
    this.seen.push(frame);
    const waiter = this.#waiters.find(({ matches }) => matches(frame));
    if (waiter === undefined) {
      this.#unread.push(frame);
      return;
    }
    this.#waiters = this.#waiters.filter((one) => one !== waiter);
    waiter.found(frame);
  }

  /**
   * The first frame of a kind that was not asked for yet; others stay unread.
   *
   * @param what it is, for the error
   */
  next<G extends F>(isOne: (frame: F) => frame is G, what: string): Promise<G> {
    const known = this.#unread.find(isOne);
    if (known !== undefined) {
      this.#unread = this.#unread.filter((frame) => frame !== known);
      return Promise.resolve(known);
    }
    return new Promise((resolve, reject) => {
      const unread = () => JSON.stringify(this.#unread).slice(0, 500);
      const timer = setTimeout(() => reject(new Error(`no ${what} came; unread: ${unread()}`)), PATIENCE);
      const found = (frame: F) => {
        clearTimeout(timer);
        if (isOne(frame)) resolve(frame);
      };
      this.#waiters.push({ matches: isOne, found });
    });
  }

  /** Skips what has come so far. */
  skip(): void {
    this.#unread = [];
  }
}

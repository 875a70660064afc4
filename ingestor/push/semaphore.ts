/** A bound on how many tasks run at a time: here, on how many sockets are connecting. */

/** Sockets that may be connecting at the same time: an edge that comes back should not meet thousands at once. */
const MAX_CONNECTING = 64;

export class Semaphore {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(permits = MAX_CONNECTING) {
    this.#free = permits;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Counts of the frames that passed the gate, by what became of them. */
export interface GateCounts {
  /** Handed to a socket. */
  sent: number;
  /** Swallowed while silent. */
  suppressed: number;
  /** Held back by a delay, whether sent since or still waiting. */
  held: number;
  /** Held back, but their socket was gone when their time came. */
  lost: number;
  /** Live trade frames left out by a skip, each counted once whatever the number of sockets. */
  skipped: number;
}

/**
 * The one way out to the sockets: open, silent (frames vanish, sockets stay) or holding (frames wait, then go in order).
 */
export class OutputGate {
  readonly counts: GateCounts = { sent: 0, suppressed: 0, held: 0, lost: 0, skipped: 0 };
  #silent = false;
  #skips = 0;
  #silenceTimer: NodeJS.Timeout | undefined;
  #queue: (() => boolean)[] | undefined;
  #releaseTimer: NodeJS.Timeout | undefined;

  get silent(): boolean {
    return this.#silent;
  }

  get holding(): boolean {
    return this.#queue !== undefined;
  }

  /** Takes a frame's `send`, which answers false when its socket is gone; runs it now, later or never. */
  pass(send: () => boolean): void {
    if (this.#silent) this.counts.suppressed += 1;
    else if (this.#queue) {
      this.counts.held += 1;
      this.#queue.push(send);
    } else this.#run(send);
  }

  /** Leaves out the live frames of the next `count` trades, on top of those still to be left out. */
  skip(count: number): void {
    this.#skips += count;
  }

  /** Asked once before a trade's live frame is broadcast: true when it must not go out, as if the exchange had dropped it. */
  swallows(): boolean {
    if (this.#skips === 0) return false;
    this.#skips -= 1;
    this.counts.skipped += 1;
    return true;
  }

  /** Swallows every frame from now on, for `ms` or until `speak`. */
  silence(ms?: number): void {
    this.speak();
    this.#silent = true;
    if (ms !== undefined) this.#silenceTimer = setTimeout(() => this.speak(), ms);
  }

  speak(): void {
    clearTimeout(this.#silenceTimer);
    this.#silent = false;
  }

  /** Holds every frame back for `ms` from now, then sends all in order. A second hold moves that moment. */
  hold(ms: number): void {
    clearTimeout(this.#releaseTimer);
    this.#queue ??= [];
    this.#releaseTimer = setTimeout(() => this.release(), ms);
  }

  /** Sends what is held back. */
  release(): void {
    clearTimeout(this.#releaseTimer);
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    for (const send of queue) this.#run(send);
  }

  /** Ends all timers; what is held back is dropped. */
  close(): void {
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#releaseTimer);
    this.#queue = undefined;
  }

  #run(send: () => boolean): void {
    if (send()) this.counts.sent += 1;
    else this.counts.lost += 1;
  }
}

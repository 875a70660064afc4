/** Collects an exchange whenever it is ours to collect, and stands by when it is not. */

import type { Collector } from "../collect/collector.ts";
import type { TickWriter } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { type Hold, Lease } from "./lease.ts";

export interface LeaderOptions {
  readonly hold: Hold;
  /** Gives the lease back. */
  readonly release: () => Promise<void>;
  readonly holder: string;
  /** A log to write and a collector that writes it, under this term at least. */
  readonly make: (term: number) => Led;
  readonly logger: Logger;
}

/** A collector and its log; made anew each time that it is ours to collect. */
export interface Led {
  readonly collector: Collector;
  readonly writer: TickWriter;
  /** Lets go of the log. */
  end(): Promise<void>;
}

export class Leader {
  readonly #options: LeaderOptions;
  readonly #lease: Lease;
  readonly #stop = new AbortController();
  #led: Led | undefined;
  /** Once another has taken our place, only the lease may give it back: two without one would take the log from each other. */
  #replaced = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    const { hold, holder, logger } = options;
    this.#lease = new Lease({ hold, holder, logger: logger.child({ part: "lease" }), signal: this.#stop.signal });
  }

  /** What is collected now; undefined while standing by. */
  get led(): Led | undefined {
    return this.#led;
  }

  /** Under which the log is written; 0 while it is not. */
  get term(): number {
    return this.#led?.writer.term ?? 0;
  }

  /** Runs until {@link stop}. @throws what ends the collector by itself: a fault of ours */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) await this.#leadOnce();
    } catch (error) {
      // Whatever was under way when we were told to stop ends with an error, and that is all right.
      if (!signal.aborted) throw error;
    }
  }

  /** Ends collecting; what was received is in the log, and the next ingestor need not wait. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#led?.collector.stop();
    await this.#lease.settled();
    try {
      await this.#options.release();
    } catch (error) {
      this.#options.logger.info({ reason: reasonOf(error) }, "the lease can't be given back: it runs out");
    }
  }

  async #leadOnce(): Promise<void> {
    const term = await this.#lease.acquire(!this.#replaced);
    const led = this.#options.make(term);
    this.#led = led;
    const kept = Promise.race([this.#lease.keep(() => led.writer.term), led.writer.superseded]);
    // What another has taken over is not to be begun, even if the log could not be reached until now.
    await Promise.race([led.collector.start(), kept]);
    await kept;
    this.#replaced = true;
    led.collector.abandon();
    this.#led = undefined;
    // Nothing of it counts any more, and standing by must not wait for a broker that is away.
    led
      .end()
      .catch((error: unknown) => this.#options.logger.info({ reason: reasonOf(error) }, "the log does not let go"));
  }
}

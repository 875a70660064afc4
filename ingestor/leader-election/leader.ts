/** Leader election: collects an exchange while the lease is ours, and stands by while it is not. */

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
  readonly make: (term: number) => Leadership;
  readonly logger: Logger;
}

/** A collector and its log; made anew for each time that we lead. */
export interface Leadership {
  readonly collector: Collector;
  readonly writer: TickWriter;
  /** Lets go of the log. */
  end(): Promise<void>;
}

export class Leader {
  readonly #options: LeaderOptions;
  readonly #lease: Lease;
  readonly #stop = new AbortController();
  #led: Leadership | undefined;
  /** Once superseded, we lead again only with the lease: two without one would take the log from each other. */
  #superseded = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    const { hold, holder, logger } = options;
    this.#lease = new Lease({ hold, holder, logger: logger.child({ part: "lease" }), signal: this.#stop.signal });
  }

  /** Undefined while standing by. */
  get led(): Leadership | undefined {
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
    const term = await this.#lease.acquire(!this.#superseded);
    const led = this.#options.make(term);
    this.#led = led;
    const superseded = Promise.race([this.#lease.keep(() => led.writer.term), led.writer.superseded]);
    // Once superseded, collecting must not begin, even if the log could not be reached until now.
    await Promise.race([led.collector.start(), superseded]);
    await superseded;
    this.#superseded = true;
    led.collector.abandon();
    this.#led = undefined;
    // Nothing of it counts any more, and standing by must not wait for a broker that is away.
    led
      .end()
      .catch((error: unknown) => this.#options.logger.info({ reason: reasonOf(error) }, "the log does not let go"));
  }
}

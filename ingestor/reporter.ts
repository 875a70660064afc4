/** Tells the registry how an exchange is doing, every few seconds and on every change, and hears what the operator wants. */

import type { IngestReport, ReportAnswer } from "../protocol/ingest.ts";
import { type Logger, reasonOf } from "./logger.ts";

export interface ReporterOptions {
  /** How things are now. @param refused why what must be known before could not be sent; undefined when it was */
  readonly report: (refused?: string) => IngestReport;
  /** Sends what must be known before a report. A report goes out even if this fails: an exchange that hangs here must show. */
  readonly prepare: () => Promise<void>;
  readonly send: (report: IngestReport) => Promise<ReportAnswer>;
  readonly onAnswer: (answer: ReportAnswer) => void;
  readonly logger: Logger;
}

const PERIOD = 3000;

export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #wanted = false;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.report(), PERIOD);
    this.report();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** One report after the other: an older one must not arrive after a newer one. While one is on its way, one may wait. */
  report(): void {
    if (this.#sending !== undefined) {
      this.#wanted = true;
      return;
    }
    this.#sending = this.#sendOnce().finally(() => {
      this.#sending = undefined;
      if (!this.#wanted) return;
      this.#wanted = false;
      this.report();
    });
  }

  async #sendOnce(): Promise<void> {
    if (this.#stopped) return;
    const { send, report, onAnswer, logger } = this.#options;
    try {
      const refused = await this.#prepare();
      const answer = await send(report(refused));
      if (!this.#stopped) onAnswer(answer);
    } catch (error) {
      logger.info({ reason: reasonOf(error) }, "the edge can't be told how things are");
    }
  }

  /** @returns why it failed */
  async #prepare(): Promise<string | undefined> {
    try {
      await this.#options.prepare();
      return undefined;
    } catch (error) {
      const reason = reasonOf(error);
      this.#options.logger.info({ reason }, "the edge can't be told what it must know before a report");
      return reason;
    }
  }
}

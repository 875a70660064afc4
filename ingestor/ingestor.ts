/** One ingestor: for each exchange a log, and on it a collector, a pusher, or both. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ComponentState, IngestReport, Market } from "../protocol/ingest.ts";
import { Collector } from "./collect/collector.ts";
import { exchangeUrls, type IngestorConfig } from "./config.ts";
import { findExchange } from "./exchanges/index.ts";
import { KafkaReader } from "./log/kafka/reader.ts";
import { KafkaWriter } from "./log/kafka/writer.ts";
import type { TickReader, TickWriter } from "./log/log.ts";
import { MemoryLog } from "./log/memory.ts";
import { type Logger, reasonOf } from "./logger.ts";
import { Edge } from "./push/edge.ts";
import { Pusher } from "./push/pusher.ts";

const REPORT_PERIOD = 3000;
/** How soon it is told that Kafka has gone or come back, ms. */
const LOOK_PERIOD = 500;
const OPEN_PERIOD = 15_000;
/** Status records go to the log once a second: with none confirmed for this long, ms, it hangs. */
const LOG_PATIENCE = 5000;
/** How long stopping waits for the log to confirm what was received and what was pushed, ms, and then for it to let go. */
const STOP_PATIENCE = 3000;
const CLOSE_PATIENCE = 700;

export interface Ingestor {
  /** Ends in order; what was received is in the log, what was pushed is committed, unless a part is away for too long. */
  stop(): Promise<void>;
}

/** @throws {UnknownExchangeError} when an exchange of the settings is none of ours */
export function startIngestor(config: IngestorConfig, env: NodeJS.ProcessEnv, logger: Logger): Ingestor {
  const edge = new Edge({ url: config.edgeUrl, token: config.token });
  const running = config.exchanges.map((name) => new ExchangeIngestor(name, config, env, edge, logger));
  for (const one of running) one.start();
  return {
    async stop() {
      await Promise.all(running.map((one) => one.stop()));
    },
  };
}

class ExchangeIngestor {
  readonly #name: string;
  readonly #config: IngestorConfig;
  readonly #edge: Edge;
  readonly #logger: Logger;
  readonly #writer: TickWriter | undefined;
  readonly #reader: TickReader | undefined;
  readonly #collector: Collector | undefined;
  readonly #pusher: Pusher | undefined;
  #markets: readonly Market[] = [];
  #marketsSaid = false;
  #kafkaSaid: ComponentState | undefined;
  #asOf: number | null = null;
  #timers: NodeJS.Timeout[] = [];
  #stopping = false;
  #reporting: Promise<void> | undefined;
  #reportWanted = false;
  #opened = false;

  constructor(name: string, config: IngestorConfig, env: NodeJS.ProcessEnv, edge: Edge, logger: Logger) {
    const exchange = findExchange(name);
    this.#name = name;
    this.#config = config;
    this.#edge = edge;
    this.#logger = logger.child({ part: "ingestor", exchange: name });
    const { source, roles, kafka, marketsPeriod, idleBatch, parkBytes, memory } = config;
    const inMemory = kafka === null ? new MemoryLog() : undefined;
    if (roles.includes("collect")) {
      this.#writer = inMemory ?? new KafkaWriter(kafka ?? unreachable(), name, logger);
      const onMarkets = (markets: readonly Market[]) => this.#onMarkets(markets);
      const onStatus = () => this.#report();
      const urls = exchangeUrls(env, exchange);
      this.#collector = new Collector({
        exchange,
        ...urls,
        source,
        writer: this.#writer,
        logger,
        onMarkets,
        onStatus,
        marketsPeriod,
      });
    }
    if (roles.includes("push")) {
      this.#reader = inMemory ?? new KafkaReader(kafka ?? unreachable(), name, logger);
      this.#pusher = new Pusher({
        exchange: name,
        source,
        reader: this.#reader,
        edge,
        logger,
        idleBatch,
        parkBytes,
        memory,
      });
    }
  }

  start(): void {
    void this.#collector?.run().catch((error: unknown) => this.#fail("collecting", error));
    void this.#pusher?.start().catch((error: unknown) => this.#fail("pushing", error));
    this.#timers = [
      setInterval(() => this.#report(), REPORT_PERIOD),
      setInterval(() => this.#kafkaState() !== this.#kafkaSaid && this.#report(), LOOK_PERIOD),
      // Without a list nothing can be pushed at all: asked for more often.
      setInterval(() => void (this.#opened || this.#openFeeds()), REPORT_PERIOD),
      setInterval(() => void this.#openFeeds(), OPEN_PERIOD),
    ];
    this.#report();
    void this.#openFeeds();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    // Together: whoever stops us waits for five seconds in all.
    await Promise.all([
      this.#withPatience(this.#collector?.stop(), STOP_PATIENCE, "stopping before the log has confirmed everything"),
      this.#withPatience(this.#pusher?.stop(), STOP_PATIENCE, "stopping before everything is committed"),
    ]);
    await this.#withPatience(this.#writer?.close(), CLOSE_PATIENCE, "the log does not let go");
  }

  /** Waits for what is under way, but not for ever; that it failed is worth a line, and no reason not to go on stopping. */
  async #withPatience(work: Promise<void> | undefined, patience: number, complaint: string): Promise<void> {
    const late = new AbortController();
    const done = work?.catch((error: unknown) => this.#logger.warn({ reason: reasonOf(error) }, complaint));
    const timeout = sleep(patience, undefined, { signal: late.signal }).then(
      () => this.#logger.warn(complaint),
      () => undefined,
    );
    await Promise.race([done ?? Promise.resolve(), timeout]);
    late.abort();
  }

  #onMarkets(markets: readonly Market[]): void {
    this.#markets = markets;
    this.#marketsSaid = false;
    this.#report();
  }

  /** One report after the other: an older one must not arrive after a newer one. While one is on its way, one may wait. */
  #report(): void {
    if (this.#reporting !== undefined) {
      this.#reportWanted = true;
      return;
    }
    this.#reporting = this.#reportOnce().finally(() => {
      this.#reporting = undefined;
      if (!this.#reportWanted) return;
      this.#reportWanted = false;
      this.#report();
    });
  }

  /** Tells the registry the markets, when they are new, and how things are. */
  async #reportOnce(): Promise<void> {
    if (this.#collector === undefined || this.#stopping) return;
    const { status, lastEventTime } = this.#collector;
    const kafka = this.#kafkaState();
    // Complete is only what arrives and is in the log.
    if (status.state === "live") this.#asOf = this.#collector.loggedUpTo;
    this.#kafkaSaid = kafka;
    const report: IngestReport = {
      status: { ...status, asOf: this.#asOf },
      kafka,
      lastEventTime,
      hints: [...this.#config.hints],
    };
    try {
      if (!this.#marketsSaid && this.#markets.length > 0) {
        await this.#edge.putMarkets(this.#name, this.#markets);
        this.#marketsSaid = true;
        this.#pusher?.open(this.#markets.map(({ instrument }) => instrument));
      }
      await this.#edge.putReport(this.#name, report);
    } catch (error) {
      this.#logger.info({ reason: reasonOf(error) }, "the edge can't be told how things are");
    }
  }

  async #openFeeds(): Promise<void> {
    if (this.#pusher === undefined || this.#stopping) return;
    try {
      // The registry's own: it refuses the feeds of markets that it has not been told yet.
      const markets = this.#marketsSaid ? this.#markets : await this.#edge.markets(this.#name);
      this.#pusher.open(markets.map(({ instrument }) => instrument));
      this.#opened ||= markets.length > 0;
    } catch (error) {
      this.#logger.info({ reason: reasonOf(error) }, "the edge can't be asked for the markets");
    }
  }

  #kafkaState(): ComponentState {
    if (this.#config.kafka === null) return "absent";
    const reachable = (this.#writer?.reachable ?? true) && (this.#reader?.reachable ?? true);
    return reachable && !this.#logHangs() ? "up" : "down";
  }

  /** A broker that takes what it is sent and never answers is as good as none. */
  #logHangs(): boolean {
    const loggedUpTo = this.#collector?.loggedUpTo ?? null;
    return loggedUpTo !== null && Date.now() - loggedUpTo > LOG_PATIENCE;
  }

  #fail(what: string, error: unknown): void {
    // Whatever was under way when we were told to stop ends with an error, and that is all right.
    if (this.#stopping) return;
    this.#logger.fatal(
      { reason: reasonOf(error), stack: error instanceof Error ? error.stack : undefined },
      `${what} has failed`,
    );
    process.exit(1);
  }
}

function unreachable(): never {
  throw new TypeError("without Kafka there is one log in memory");
}

/** One exchange in one ingestor: collects it when it is ours to collect, pushes our partitions of its log, and reports. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ComponentState, IngestReport, Market, ReportAnswer } from "../protocol/ingest.ts";
import { isCollected, type Registration } from "../protocol/registrations.ts";
import { Collector } from "./collect/collector.ts";
import { MarketList } from "./collect/markets/market-list.ts";
import { exchangeUrls, type IngestorConfig } from "./config.ts";
import type { Exchange } from "./exchanges/exchange.ts";
import { Leader, type Leadership } from "./leader-election/leader.ts";
import { KafkaReader } from "./log/kafka/read/reader.ts";
import { KafkaWriter } from "./log/kafka/write/writer.ts";
import type { TickReader } from "./log/log.ts";
import { MemoryLog } from "./log/memory.ts";
import { type Logger, reasonOf } from "./logger.ts";
import type { EdgeClient } from "./push/edge-client.ts";
import { EdgeTotals } from "./push/edge-totals.ts";
import { Pusher } from "./push/pusher.ts";
import type { RingMemory } from "./push/ring-memory.ts";
import { Reporter } from "./reporter.ts";

export interface ExchangeIngestorOptions {
  readonly exchange: Exchange;
  readonly config: IngestorConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly edge: EdgeClient;
  /** Shared by all exchanges of this process. */
  readonly ringMemory: RingMemory;
  /** Names this process to the lease. */
  readonly holder: string;
  readonly logger: Logger;
}

/** How soon it is reported that Kafka has gone or come back, ms. */
const LOOK_PERIOD = 500;
const OPEN_PERIOD = 15_000;
/** Without a list nothing can be pushed at all: asked for more often, ms. */
const FIRST_OPEN_PERIOD = 3000;
/** Status records go to the log once a second: with none confirmed for this long, ms, it hangs. */
const LOG_PATIENCE = 5000;
/** How long stopping waits for the log to confirm what was received and what was pushed, ms, and then for it to let go. */
const STOP_PATIENCE = 3000;
const CLOSE_PATIENCE = 700;

export class ExchangeIngestor {
  readonly name: string;
  readonly #options: ExchangeIngestorOptions;
  readonly #logger: Logger;
  readonly #memory: MemoryLog | undefined;
  readonly #list: MarketList;
  readonly #reporter: Reporter;
  readonly leader: Leader | undefined;
  readonly reader: TickReader | undefined;
  readonly pusher: Pusher | undefined;
  /** What the objects of the exchange have done. */
  readonly edge: EdgeTotals;
  #rules: readonly Registration[] = [];
  #announcedMarkets: readonly Market[] | undefined;
  #reportedKafka: ComponentState | undefined;
  #asOf: number | null = null;
  #timers: NodeJS.Timeout[] = [];
  #stopping = false;
  #opened = false;
  #opening: Promise<void> | undefined;
  #openWanted = false;

  constructor(options: ExchangeIngestorOptions) {
    const { exchange, config, env, edge, ringMemory, holder, logger } = options;
    const { roles, kafka, source, idleBatch, parkBytes, memory } = config;
    this.name = exchange.name;
    this.edge = new EdgeTotals(this.name);
    this.#options = options;
    this.#logger = logger.child({ part: "ingestor", exchange: this.name });
    this.#memory = kafka === null ? new MemoryLog() : undefined;
    this.#list = new MarketList(exchange, exchangeUrls(env, exchange).restUrl, logger);
    this.#reporter = new Reporter({
      report: (refused) => this.#report(refused),
      prepare: () => this.#announceMarkets(),
      send: (report) => this.#send(report),
      onAnswer: (answer) => this.#apply(answer),
      logger: this.#logger,
    });
    if (roles.includes("collect")) {
      this.leader = new Leader({
        hold: (request) => edge.hold(this.name, request),
        release: () => edge.release(this.name, holder),
        holder,
        make: (term) => this.#lead(term),
        logger: logger.child({ exchange: this.name }),
      });
    }
    if (roles.includes("push")) {
      this.reader = this.#memory ?? new KafkaReader(kafka ?? unreachable(), this.name, logger);
      this.pusher = new Pusher({
        exchange: this.name,
        source,
        reader: this.reader,
        edge,
        logger,
        idleBatch,
        parkBytes,
        memory,
        ringMemory,
        totals: this.edge,
      });
    }
  }

  start(): void {
    const { marketsPeriod } = this.#options.config;
    if (this.leader !== undefined) {
      void this.#list
        .run(marketsPeriod, () => this.#onMarkets())
        .catch((error: unknown) => this.#fail("the list", error));
      void this.leader.run().catch((error: unknown) => this.#fail("collecting", error));
    }
    void this.pusher?.start().catch((error: unknown) => this.#fail("pushing", error));
    this.#timers = [
      setInterval(() => this.#kafkaState() !== this.#reportedKafka && this.#reporter.report(), LOOK_PERIOD),
      setInterval(() => void (this.#opened || this.#openFeeds()), FIRST_OPEN_PERIOD),
      setInterval(() => void this.#openFeeds(), OPEN_PERIOD),
    ];
    this.#reporter.start();
    void this.#openFeeds();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#list.stop();
    this.#reporter.stop();
    for (const timer of this.#timers) clearInterval(timer);
    const led = this.leader?.led;
    // Together: whoever stops us waits for five seconds in all.
    await Promise.all([
      this.#withPatience(this.leader?.stop(), STOP_PATIENCE, "stopping before the log has confirmed everything"),
      this.#withPatience(this.pusher?.stop(), STOP_PATIENCE, "stopping before everything is committed"),
    ]);
    await this.#withPatience(led?.end(), CLOSE_PATIENCE, "the log does not let go");
  }

  /** A log to write, and a collector that writes it. */
  #lead(term: number): Leadership {
    const { exchange, config, env, logger } = this.#options;
    const writer = this.#memory ?? new KafkaWriter(config.kafka ?? unreachable(), this.name, logger);
    const collector = new Collector({
      exchange,
      ...exchangeUrls(env, exchange),
      source: config.source,
      writer,
      term,
      list: this.#list,
      wanted: (market) => this.#isWanted(market),
      logger,
      onStatus: () => this.#reporter.report(),
    });
    // The log in memory outlives its collector: the pusher reads it.
    return { collector, writer, end: async () => (writer === this.#memory ? undefined : writer.close()) };
  }

  #isWanted({ base, quote }: Market): boolean {
    return isCollected(this.#rules, this.name, base, quote);
  }

  #onMarkets(): void {
    this.leader?.led?.collector.refresh();
    this.#reporter.report();
  }

  /** The registry must know the markets before their feeds are opened. Only who collects knows them. */
  async #announceMarkets(): Promise<void> {
    const { markets } = this.#list;
    if (this.leader?.led === undefined || markets.length === 0 || markets === this.#announcedMarkets) return;
    await this.#options.edge.putMarkets(this.name, markets);
    this.#announcedMarkets = markets;
    await this.#openFeeds();
  }

  /** @param refused why the edge does not take our list of markets */
  #report(refused?: string): IngestReport {
    const { led, term = 0 } = this.leader ?? {};
    const kafka = this.#kafkaState();
    this.#reportedKafka = kafka;
    // Complete is only what arrives and is in the log.
    if (led?.collector.status.state === "live") this.#asOf = led.collector.loggedUpTo;
    const { source, hints } = this.#options.config;
    const standby = { state: "down", source, since: Date.now(), detail: "no ingestor collects it" } as const;
    // What the edge has no list of reaches nobody.
    const unknown = { state: "down", detail: `the edge does not take its markets: ${refused}` } as const;
    const isUnknown = refused !== undefined && led !== undefined && this.#announcedMarkets === undefined;
    const partitions = led?.writer.partitions ?? this.reader?.partitions;
    return {
      status: { ...(led?.collector.status ?? standby), ...(isUnknown ? unknown : {}), asOf: this.#asOf },
      kafka,
      term,
      ...(partitions === undefined ? {} : { partitions }),
      lastEventTime: led?.collector.lastEventTime ?? null,
      hints: [...hints, ...this.#troubles(), ...(refused === undefined ? [] : [`${this.name}: ${unknown.detail}`])],
    };
  }

  async #send(report: IngestReport): Promise<ReportAnswer> {
    try {
      return await this.#options.edge.putReport(this.name, report);
    } catch (error) {
      // Without an answer nothing is known of what relays have now.
      this.edge.takeRelays({});
      throw error;
    }
  }

  #apply({ registrations, drain, relays = {} }: ReportAnswer): void {
    this.edge.takeRelays(relays);
    const rules = registrations.map((rule) => ({ ...rule, exchange: this.name }));
    if (JSON.stringify(rules) !== JSON.stringify(this.#rules)) {
      this.#logger.info({ rules: registrations }, "what is to be collected has changed");
      this.#rules = rules;
      this.leader?.led?.collector.refresh();
      void this.#openFeeds();
    }
    if (drain !== null) this.pusher?.drain(drain);
  }

  /** One after the other: an older list would close what a newer one has opened. While one is asked for, one may wait. */
  #openFeeds(): Promise<void> {
    this.#openWanted = this.#opening !== undefined;
    this.#opening ??= this.#openFeedsOnce().finally(() => {
      this.#opening = undefined;
      if (this.#openWanted) void this.#openFeeds();
    });
    return this.#opening;
  }

  async #openFeedsOnce(): Promise<void> {
    if (this.pusher === undefined || this.#stopping) return;
    try {
      // The registry's own where we have not put ours: it refuses the feeds of markets that it does not know.
      const own = this.leader?.led === undefined ? undefined : this.#announcedMarkets;
      const markets = own?.filter((market) => this.#isWanted(market)) ?? (await this.#options.edge.markets(this.name));
      this.pusher.open(markets.map(({ instrument }) => instrument));
      this.#opened ||= markets.length > 0;
    } catch (error) {
      this.#logger.info({ reason: reasonOf(error) }, "the edge can't be asked for the markets");
    }
  }

  #kafkaState(): ComponentState {
    if (this.#options.config.kafka === null) return "absent";
    const reachable = (this.leader?.led?.writer.reachable ?? true) && (this.reader?.reachable ?? true);
    return reachable && !this.#logHangs() && this.#troubles().length === 0 ? "up" : "down";
  }

  /** What Kafka does not take although it can be reached. */
  #troubles(): string[] {
    const trouble = this.leader?.led?.writer.raw?.trouble;
    return trouble === undefined ? [] : [`raw frames of ${this.name} are not being kept: ${trouble}`.slice(0, 300)];
  }

  /** A broker that takes what it is sent and never answers is as good as none. */
  #logHangs(): boolean {
    const loggedUpTo = this.leader?.led?.collector.loggedUpTo ?? null;
    return loggedUpTo !== null && Date.now() - loggedUpTo > LOG_PATIENCE;
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

  #fail(what: string, error: unknown): void {
    // Whatever was under way when we were to stop ends with an error, and that is all right.
    if (this.#stopping) return;
    const stack = error instanceof Error ? error.stack : undefined;
    this.#logger.fatal({ reason: reasonOf(error), stack }, `${what} has failed`);
    process.exit(1);
  }
}

function unreachable(): never {
  throw new TypeError("without Kafka there is one log in memory");
}

/**
 * Collects one exchange: frames in, raw frames and normalised events into the log. It reconnects by itself, keeps repeats
 * out, and says what it may have missed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { Source } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { type Exchange, FrameError, type Parse, type ParsedEvent } from "../exchanges/exchange.ts";
import type { CollectorStatus, Tail, TickWriter } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { ConnectBudget } from "./connect-budget.ts";
import { Connection } from "./connection.ts";
import { abandonedGaps, type Hole, lostGaps } from "./gaps.ts";
import { KnownTrades } from "./known-trades.ts";
import { MarketList } from "./market-list.ts";

export interface CollectorOptions {
  readonly exchange: Exchange;
  readonly wsUrl: string;
  readonly restUrl: string;
  /** What the prices are: said with every status. */
  readonly source: Source;
  readonly writer: TickWriter;
  readonly logger: Logger;
  /** Called with the first market list and each new one. */
  readonly onMarkets: (markets: readonly Market[]) => void;
  /** Called when the state of the exchange has changed. */
  readonly onStatus: () => void;
  /** Between two looks at the market list, ms. */
  readonly marketsPeriod?: number;
}

/** Between two status records, ms: they say up to when the log is complete. */
const STATUS_PERIOD = 1000;
/** Connected and silent for this long, ms, is `stale`. */
const STALE_AFTER = 10_000;
const MARKETS_PERIOD = 5 * 60_000;

/** What a collector has counted since it started. */
export interface CollectorCounts {
  frames: number;
  events: number;
  /** Trades kept out because the log has them. */
  repeats: number;
  badFrames: number;
  reconnects: number;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #logger: Logger;
  readonly #list: MarketList;
  readonly #budget: ConnectBudget;
  readonly counts: CollectorCounts = { frames: 0, events: 0, repeats: 0, badFrames: 0, reconnects: 0 };
  #known: KnownTrades | undefined;
  #parse: Parse;
  #connection: Connection | undefined;
  #statusTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** A hole that waits for the first frame after it, to be announced. */
  #hole: { readonly cause: Hole["cause"]; readonly since: number; readonly instruments: readonly string[] } | undefined;
  /** On the exchange's clock, ms. */
  #lastEventTime: number | null = null;
  #lastFrame = 0;
  #status: CollectorStatus;
  readonly #kindsLogged = new Set<string>();

  constructor(options: CollectorOptions) {
    const { exchange, restUrl, logger, source } = options;
    this.#options = options;
    this.#logger = logger.child({ part: "collector", exchange: exchange.name });
    this.#list = new MarketList(exchange, restUrl, this.#logger);
    this.#budget = new ConnectBudget(exchange.feed.connects);
    this.#parse = exchange.parser([]);
    this.#status = { state: "down", source, since: Date.now(), detail: "starting" };
  }

  get status(): CollectorStatus {
    return this.#status;
  }

  get lastEventTime(): number | null {
    return this.#lastEventTime;
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    const { writer, exchange, onMarkets, marketsPeriod = MARKETS_PERIOD } = this.#options;
    const tails = await writer.open();
    this.#known = new KnownTrades(tails, (instrument) => writer.partitionOf(instrument));
    for (const event of abandonedGaps(tails)) writer.append(event);
    this.#statusTimer = setInterval(() => this.#announce(), STATUS_PERIOD);
    this.#announce();
    const markets = await this.#list.first();
    this.#parse = exchange.parser(markets);
    onMarkets(markets);
    this.#list.watch(marketsPeriod, (changed) => this.#onMarkets(changed));
    this.#openHole("collector_restart", restartedSince(tails, markets, writer));
    while (!this.#stopped) await this.#connectAndStay();
  }

  /** Ends the connection and waits until everything received is in the log. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#list.stop();
    clearInterval(this.#statusTimer);
    this.#connection?.end();
    await this.#options.writer.flushed();
  }

  async #connectAndStay(): Promise<void> {
    const connection = await backOff(() => this.#connect(), {
      jitter: "full",
      startingDelay: 500,
      maxDelay: 30_000,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        this.#setState("down", reasonOf(error));
        return !this.#stopped;
      },
    }).catch((error: unknown) => {
      if (this.#stopped) return undefined;
      throw error;
    });
    if (connection === undefined) return;
    const reason = await connection.ended;
    if (this.#stopped) return;
    this.counts.reconnects += 1;
    this.#logger.info({ reason }, "disconnected from the exchange");
    this.#setState("down", reason);
    this.#openHole(
      "exchange_disconnect",
      new Map(this.#list.markets.map(({ instrument }) => [instrument, this.#lastEventTime ?? this.#lastFrame])),
    );
  }

  async #connect(): Promise<Connection> {
    const { exchange, wsUrl, writer } = this.#options;
    await sleep(this.#budget.take(Date.now()));
    if (this.#stopped) throw new Error("stopping");
    if (writer.overloaded) throw new Error("the log can't keep up: not collecting until it does");
    const connection = new Connection(wsUrl, exchange.feed, this.#list.markets, {
      frame: (bytes, received, from) => this.#onFrame(bytes, received, from),
    });
    this.#connection = connection;
    await connection.started;
    this.#setState("live");
    return connection;
  }

  #onFrame(bytes: Buffer, received: number, connection: Connection): void {
    const { writer } = this.#options;
    this.counts.frames += 1;
    this.#lastFrame = received;
    writer.appendRaw({ bytes, received, connection: connection.id });
    if (writer.overloaded) {
      this.#logger.error("the log has been away for too long: disconnecting until it is back");
      connection.end();
    }
    this.#closeHole(received);
    for (const event of this.#parsed(bytes.toString("utf8"), received)) this.#onEvent(event);
  }

  /** A frame that can't be read costs nothing but itself, and is logged once for each kind of fault. */
  #parsed(text: string, received: number): readonly ParsedEvent[] {
    try {
      const parsed = this.#parse(text, received);
      if (parsed.kind === "events") return parsed.events;
      if (parsed.kind === "refused") this.#logger.warn({ answer: parsed.message }, "the exchange refused a request");
      return [];
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.counts.badFrames += 1;
      if (!this.#kindsLogged.has(error.message)) {
        this.#kindsLogged.add(error.message);
        this.#logger.warn(
          { reason: error.message, frame: text.slice(0, 300) },
          "a frame that can't be read (kept in the raw log)",
        );
      }
      return error.events;
    }
  }

  #onEvent(event: ParsedEvent): void {
    if (event.type === "trade") {
      if (this.#known?.admit(event) !== true) {
        this.counts.repeats += 1;
        return;
      }
      if (!event.snapshot) this.#lastEventTime = Math.max(this.#lastEventTime ?? 0, event.time);
    }
    this.counts.events += 1;
    this.#options.writer.append(event.type === "trade" && event.snapshot ? { ...event, late: true } : event);
  }

  #openHole(cause: Hole["cause"], sinceByInstrument: ReadonlyMap<string, number>): void {
    if (sinceByInstrument.size === 0) return;
    const instruments = [...new Set([...(this.#hole?.instruments ?? []), ...sinceByInstrument.keys()])];
    const since = Math.min(this.#hole?.since ?? Number.MAX_SAFE_INTEGER, ...sinceByInstrument.values());
    this.#hole = { cause: this.#hole?.cause ?? cause, since, instruments };
  }

  /** The first frame after a hole ends it. */
  #closeHole(until: number): void {
    if (this.#hole === undefined) return;
    const { instruments, ...hole } = this.#hole;
    this.#hole = undefined;
    for (const event of lostGaps(instruments, { ...hole, until })) this.#options.writer.append(event);
  }

  #onMarkets(markets: readonly Market[]): void {
    this.#parse = this.#options.exchange.parser(markets);
    this.#connection?.subscribe(markets);
    this.#options.onMarkets(markets);
  }

  #announce(): void {
    const silent = Date.now() - this.#lastFrame > STALE_AFTER;
    if (this.#status.state === "live" && silent) this.#setState("stale", "connected, but nothing comes");
    else if (this.#status.state === "stale" && !silent) this.#setState("live");
    else this.#options.writer.announce(this.#status);
  }

  #setState(state: CollectorStatus["state"], detail?: string): void {
    const { source, state: before, since } = this.#status;
    const changed = state !== before;
    this.#status = { state, source, since: changed ? Date.now() : since, ...(detail === undefined ? {} : { detail }) };
    if (!changed) return;
    this.#options.writer.announce(this.#status);
    this.#options.onStatus();
  }
}

/** For the markets whose partition has been written before: since when nobody has collected them, ms. */
function restartedSince(tails: readonly Tail[], markets: readonly Market[], writer: TickWriter): Map<string, number> {
  return new Map(
    markets.flatMap(({ instrument }): [string, number][] => {
      const lastLogged = tails[writer.partitionOf(instrument)]?.lastLogged ?? null;
      return lastLogged === null ? [] : [[instrument, lastLogged]];
    }),
  );
}

/**
 * Collects one exchange: frames in, raw frames and normalised events into the log. It reconnects by itself, keeps repeats
 * out, and says what it may have missed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { Source } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { type Exchange, FrameError, type Parse, type Parsed, type ParsedEvent } from "../exchanges/exchange.ts";
import type { CollectorStatus, Tail, TickWriter } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { ConnectBudget } from "./connect-budget.ts";
import { Connection } from "./connection.ts";
import { abandonedGaps, type Hole, joinHoles, lostGaps } from "./gaps.ts";
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
/** A connection that lasted less than this, ms, makes the next one wait, the longer the more of them there were. */
const SHORT_LIFE = 5000;
/** Kinds of bad frames that are logged: what an exchange may send us is without end. */
const KINDS_LOGGED = 100;

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
  #hole: Hole | undefined;
  /** Connections in a row that ended soon. */
  #shortLives = 0;
  /** On the exchange's clock, ms. */
  #lastEventTime: number | null = null;
  #loggedUpTo: number | null = null;
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

  /** Up to when (ms) everything that was received is in the log; null before the first status is. */
  get loggedUpTo(): number | null {
    return this.#loggedUpTo;
  }

  get lastEventTime(): number | null {
    return this.#lastEventTime;
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      // Whatever was under way when we were told to stop ends with an error, and that is all right.
      if (!this.#stopped) throw error;
    }
  }

  async #run(): Promise<void> {
    const { writer, exchange, onMarkets, marketsPeriod = MARKETS_PERIOD } = this.#options;
    const tails = await writer.open();
    if (this.#stopped) return;
    this.#known = new KnownTrades(tails, (instrument) => writer.partitionOf(instrument));
    for (const event of abandonedGaps(tails)) writer.append(event);
    this.#statusTimer = setInterval(() => this.#announce(), STATUS_PERIOD);
    this.#announce();
    const markets = await this.#list.first();
    if (this.#stopped) return;
    this.#parse = exchange.parser(markets);
    onMarkets(markets);
    this.#list.watch(marketsPeriod, (changed) => this.#onMarkets(changed));
    this.#openHole({ cause: "collector_restart", since: restartedSince(tails, markets, writer) });
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
      // An exchange that lets us in and throws us out again is no better than one that does not let us in.
      delayFirstAttempt: this.#shortLives > 1,
      startingDelay: 500 * 2 ** Math.min(this.#shortLives, 6),
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
    const begun = Date.now();
    const reason = await connection.ended;
    if (this.#stopped) return;
    this.#shortLives = Date.now() - begun < SHORT_LIFE ? this.#shortLives + 1 : 0;
    this.counts.reconnects += 1;
    this.#logger.info({ reason }, "disconnected from the exchange");
    this.#setState("down", reason);
    const since = this.#lastEventTime ?? this.#lastFrame;
    this.#openHole({
      cause: "exchange_disconnect",
      since: new Map(this.#list.markets.map(({ instrument }) => [instrument, since])),
    });
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

  #onFrame(bytes: Buffer, received: number, connection: Connection): boolean {
    const { writer } = this.#options;
    this.counts.frames += 1;
    this.#lastFrame = received;
    writer.appendRaw({ bytes, received, connection: connection.id });
    if (writer.overloaded) {
      this.#logger.error("the log has been away for too long: disconnecting until it is back");
      connection.end();
    }
    const parsed = this.#parsed(bytes.toString("utf8"), received);
    if (parsed.kind === "refused") {
      this.#logger.warn({ answer: parsed.message }, "the exchange refused a request");
      return false;
    }
    this.#closeHole(received);
    if (parsed.kind === "events") for (const event of parsed.events) this.#onEvent(event);
    return true;
  }

  /** A frame that can't be read costs nothing but itself. */
  #parsed(text: string, received: number): Parsed {
    try {
      return this.#parse(text, received);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#onBadFrame(error.message, text);
      return { kind: "events", events: error.events };
    }
  }

  /** Logged once for each kind of fault: a message without what it quotes, or where a frame stops being JSON. */
  #onBadFrame(reason: string, text: string): void {
    this.counts.badFrames += 1;
    const kind = reason.replace(/"[^"]*"?|'[^']*'?|\d+/g, "…").replace(/^not JSON: .*$/s, "not JSON");
    if (this.#kindsLogged.has(kind) || this.#kindsLogged.size >= KINDS_LOGGED) return;
    this.#kindsLogged.add(kind);
    this.#logger.warn({ reason, frame: text.slice(0, 300) }, "a frame that can't be read (kept in the raw log)");
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

  #openHole(hole: Hole): void {
    if (hole.since.size > 0) this.#hole = joinHoles(this.#hole, hole);
  }

  /** The first frame after a hole ends it. */
  #closeHole(until: number): void {
    if (this.#hole === undefined) return;
    for (const event of lostGaps(this.#hole, until)) this.#options.writer.append(event);
    this.#hole = undefined;
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
    const now = Date.now();
    void this.#options.writer.confirmed().then(() => {
      this.#loggedUpTo = now;
    });
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

/** For the markets whose partition has been written before: up to when (ms) it holds what was received. */
function restartedSince(tails: readonly Tail[], markets: readonly Market[], writer: TickWriter): Map<string, number> {
  return new Map(
    markets.flatMap(({ instrument }): [string, number][] => {
      const completeUntil = tails[writer.partitionOf(instrument)]?.completeUntil ?? null;
      return completeUntil === null ? [] : [[instrument, completeUntil]];
    }),
  );
}

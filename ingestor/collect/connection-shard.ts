/**
 * A shard of an exchange's markets, and the connection that brings them: it reconnects by itself, is replaced by a new one
 * before the exchange ends it, and says what may have been missed in between.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { GapCause } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { reliedTime } from "../event-time.ts";
import type { Feed, Parsed } from "../exchanges/exchange.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { Bans } from "./bans.ts";
import { ExchangeConnection } from "./exchange-connection.ts";
import type { FrameProcessor, Message } from "./frame-processor.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { type SuspectedGap, SuspectedGaps } from "./suspected-gaps.ts";

export interface ConnectionShardOptions {
  readonly feed: Feed;
  readonly wsUrl: string;
  /** Of all shards together. */
  readonly connects: RateLimiter;
  readonly processor: FrameProcessor;
  /** Why no connection should be made now; undefined when one may. */
  readonly backpressureReason: () => string | undefined;
  readonly logger: Logger;
  /** Who must not be asked, and until when: of all that ask the exchange together. */
  readonly bans?: Bans;
  /** Called when the exchange has refused a request for these markets. */
  readonly onRefused?: (message: string, markets: readonly Market[]) => void;
  /** Called when {@link ConnectionShard.live} has changed. */
  readonly onState: () => void;
}

/** A connection that is to replace another. */
interface Successor {
  readonly connection: ExchangeConnection;
  /** What it has brought so far. */
  readonly messages: Message[];
  /** The markets of which nothing is forgotten meanwhile. */
  readonly held: readonly Market[];
  started: boolean;
}

/** A connection that lasted less than this, ms, makes the next one wait, the longer the more of them there were. */
const SHORT_LIFE = 5000;
const FIRST_PAUSE = 500;
const MAX_PAUSE = 30_000;
/** After a connection has begun its first frames say what was missed; what they say nothing of by then, ms, may have been. */
const PROOF_PATIENCE = 3000;
/** For so long, ms, an old connection and the new one both bring everything. */
const ROTATION_OVERLAP = 3000;

export class ConnectionShard {
  readonly #options: ConnectionShardOptions;
  readonly #logger: Logger;
  readonly #bans: Bans;
  readonly #suspects = new SuspectedGaps();
  readonly #stop = new AbortController();
  #markets: readonly Market[];
  #connection: ExchangeConnection | undefined;
  #proof: NodeJS.Timeout | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #next: Successor | undefined;
  #rotating = false;
  /** What the present connection has brought before it started: should it never start, nothing is proven by it. */
  #early: Message[] | undefined;
  /** The execution time (ms) of the newest trade that came over this shard's connections. */
  #lastTrade: number | null = null;
  /** When (ms) the first connection started. */
  #begun: number | null = null;
  /** Connections in a row that ended soon. */
  #shortLives = 0;
  #live = false;
  #detail = "starting";
  lastFrame = 0;
  reconnects = 0;
  rotations = 0;

  constructor(markets: readonly Market[], options: ConnectionShardOptions) {
    this.#markets = markets;
    this.#options = options;
    this.#logger = options.logger;
    this.#bans = options.bans ?? new Bans();
  }

  get markets(): readonly Market[] {
    return this.#markets;
  }

  get live(): boolean {
    return this.#live;
  }

  /** Why it is not live. */
  get detail(): string {
    return this.#detail;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Subscribes to these markets instead of those it has. */
  subscribe(markets: readonly Market[]): void {
    this.#markets = markets;
    const listed = new Set(markets.map(({ instrument }) => instrument));
    this.#suspects.keepOnly(listed);
    this.#connection?.subscribe(markets);
    this.#next?.connection.subscribe(markets);
  }

  /** Since when (ms) some of its markets may lack trades; undefined when none does. */
  get suspectedSince(): number | undefined {
    return this.#suspects.since;
  }

  /** What an instrument may lack; undefined when it lacks nothing. */
  suspectedGapOf(instrument: string): SuspectedGap | undefined {
    return this.#suspects.get(instrument);
  }

  /** Some of its markets may lack trades since a time (ms). */
  suspect(cause: GapCause, since: ReadonlyMap<string, number>): void {
    for (const [instrument, time] of since) this.#suspects.add(cause, instrument, time);
    if (this.#live) this.#awaitProof();
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#connection === undefined) await this.#connectUntilStarted();
      if (this.#connection !== undefined) await this.#stay(this.#connection);
    }
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#proof);
    clearTimeout(this.#rotation);
    this.#connection?.end();
    this.#next?.connection.end();
  }

  async #stay(connection: ExchangeConnection): Promise<void> {
    const begun = Date.now();
    const reason = await connection.ended;
    // Either we ended it, or a rotation has replaced it.
    if (this.#stop.signal.aborted || this.#connection !== connection) return;
    this.#logger.info({ reason }, "disconnected from the exchange");
    const next = this.#next;
    if (next?.started) return this.#promote(next);
    this.#dropNext();
    this.#shortLives = Date.now() - begun < SHORT_LIFE ? this.#shortLives + 1 : 0;
    this.reconnects += 1;
    this.#connection = undefined;
    clearTimeout(this.#rotation);
    clearTimeout(this.#proof);
    this.#setLive(false, reason);
    const since = this.#lastTrade ?? this.#begun ?? this.lastFrame;
    for (const { instrument } of this.#markets) this.#suspects.add("exchange_disconnect", instrument, since);
    this.#options.processor.disconnected(this.#markets);
  }

  #dropNext(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    this.#options.processor.release(next.held);
    next.connection.end("it is needed no more");
  }

  async #connectUntilStarted(): Promise<void> {
    const { signal } = this.#stop;
    await backOff(() => this.#connect(), {
      jitter: "full",
      // An exchange that lets us in and throws us out again is no better than one that does not let us in.
      delayFirstAttempt: this.#shortLives > 1,
      startingDelay: FIRST_PAUSE * 2 ** Math.min(this.#shortLives, 6),
      maxDelay: MAX_PAUSE,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        this.#connection = undefined;
        this.#setLive(false, reasonOf(error));
        return !signal.aborted;
      },
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async #connect(): Promise<void> {
    const bannedUntil = this.#bans.until(this.#options.wsUrl);
    if (bannedUntil !== undefined)
      this.#setLive(false, `the exchange wants to be left alone until ${new Date(bannedUntil).toISOString()}`);
    const connection = await this.#open();
    this.#connection = connection;
    this.#early = [];
    await connection.started;
    this.#begun ??= Date.now();
    const early = this.#early;
    this.#early = undefined;
    for (const message of early) this.#take(message);
    this.#setLive(true, "");
    this.#awaitProof();
    this.#planRotation();
  }

  /** A connection that has not started yet, made as soon as one may be. */
  async #open(): Promise<ExchangeConnection> {
    await this.#turn();
    const { wsUrl, feed } = this.#options;
    return new ExchangeConnection(wsUrl, feed, this.#markets, {
      frame: (bytes, received, from) => this.#onFrame(bytes, received, from),
      refused: (message) => this.#options.onRefused?.(message, this.#markets),
      turnedAway: (refusal) => this.#bans.record(wsUrl, refusal),
    });
  }

  /** Waits until a connection may be made. */
  async #turn(): Promise<void> {
    const { connects, backpressureReason, wsUrl } = this.#options;
    const { signal } = this.#stop;
    do {
      await this.#bans.waitUntilOver(wsUrl, signal);
      await sleep(connects.take(Date.now()), undefined, { signal });
      // A ban may come while we wait for our turn.
    } while (this.#bans.until(wsUrl) !== undefined);
    const reason = backpressureReason();
    if (reason !== undefined) throw new Error(reason);
  }

  #onFrame(bytes: Buffer, received: number, from: ExchangeConnection): Parsed {
    const { processor, backpressureReason } = this.#options;
    this.lastFrame = received;
    const reason = backpressureReason();
    if (reason !== undefined) from.end(reason);
    const parsed = processor.read(bytes, received, from.id, this.#markets);
    if (parsed.kind === "leaving") void this.#rotate("the exchange is about to close the connection");
    if (parsed.kind !== "events") return parsed;
    const message = { parsed, received };
    if (from === this.#next?.connection) this.#next.messages.push(message);
    else if (from === this.#connection) {
      if (this.#early === undefined) this.#take(message);
      else this.#early.push(message);
    }
    return parsed;
  }

  #take(message: Message, replayed = false): void {
    for (const event of message.parsed.events) {
      if (event.type === "trade" && !event.snapshot)
        this.#lastTrade = Math.max(this.#lastTrade ?? 0, reliedTime(event));
    }
    this.#options.processor.take(message, this.#suspects, replayed);
  }

  #awaitProof(): void {
    clearTimeout(this.#proof);
    if (this.#suspects.size === 0) return;
    this.#proof = setTimeout(() => this.#options.processor.giveUp(this.#suspects, Date.now()), PROOF_PATIENCE);
  }

  #planRotation(): void {
    const { lifetime } = this.#options.feed;
    // Not all at once, where several were opened at once.
    if (lifetime !== undefined) this.#rotateIn(lifetime * (1 - Math.random() / 20));
  }

  #rotateIn(ms: number): void {
    clearTimeout(this.#rotation);
    this.#rotation = setTimeout(() => void this.#rotate("it has reached its age"), ms);
  }

  /**
   * Opens a new connection, and ends the old one when both have brought the same for a while. Until then the old one is the
   * one that counts, so that the order of its frames is kept; then what only the new one has brought follows.
   */
  async #rotate(reason: string): Promise<void> {
    const old = this.#connection;
    if (this.#rotating || old === undefined) return;
    this.#rotating = true;
    this.#logger.info({ reason }, "opening a new connection before the old one goes");
    try {
      const connection = await this.#open();
      if (this.#connection !== old) {
        connection.end("the old one has gone already");
        return;
      }
      const next: Successor = { connection, messages: [], held: this.#markets, started: false };
      this.#next = next;
      // Both bring the same: none of it may be forgotten before the new one's is compared with it.
      this.#options.processor.hold(next.held);
      await connection.started;
      next.started = true;
      const lost = connection.ended.then((why) => Promise.reject(new Error(why)));
      await Promise.race([lost, sleep(ROTATION_OVERLAP, undefined, { signal: this.#stop.signal })]);
      if (this.#connection === old) this.#promote(next, old);
    } catch (error) {
      if (this.#stop.signal.aborted || this.#connection !== old) return;
      this.#logger.warn({ reason: reasonOf(error) }, "no new connection, keeping the old one");
      this.#dropNext();
      this.#rotateIn(MAX_PAUSE);
    } finally {
      this.#rotating = false;
    }
  }

  #promote(next: Successor, old?: ExchangeConnection): void {
    this.#next = undefined;
    this.#connection = next.connection;
    this.rotations += 1;
    for (const message of next.messages) this.#take(message, true);
    this.#options.processor.release(next.held);
    this.#planRotation();
    old?.end("another one has replaced it");
  }

  #setLive(live: boolean, detail: string): void {
    const changed = live !== this.#live || detail !== this.#detail;
    this.#live = live;
    this.#detail = detail;
    if (changed) this.#options.onState();
  }
}

/**
 * A share of an exchange's markets, and the connection that brings them: it reconnects by itself, is replaced by a new one
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
import type { Budget } from "./budget.ts";
import { Connection } from "./connection.ts";
import { Doubts } from "./doubts.ts";
import type { Intake, Message } from "./intake.ts";

export interface ShareOptions {
  readonly feed: Feed;
  readonly wsUrl: string;
  /** Of all shares together. */
  readonly connects: Budget;
  readonly intake: Intake;
  /** Why no connection should be made now; undefined when one may. */
  readonly hindrance: () => string | undefined;
  readonly logger: Logger;
  /** Who must not be asked, and until when: of all that ask the exchange together. */
  readonly bans?: Bans;
  /** Called when the exchange has refused a request for these markets. */
  readonly onRefused?: (message: string, markets: readonly Market[]) => void;
  /** Called when {@link Share.live} has changed. */
  readonly onState: () => void;
}

/** A connection that is to take another's place. */
interface Successor {
  readonly connection: Connection;
  /** What it has brought so far. */
  readonly messages: Message[];
  /** The markets of which nothing is forgotten meanwhile. */
  readonly held: readonly Market[];
  started: boolean;
}

/** A connection that lasted less than this, ms, makes the next one wait, the longer the more of them there were. */
const SHORT_LIFE = 5000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** After a connection has begun its first frames say what was missed; what they say nothing of by then, ms, may have been. */
const PROOF_PATIENCE = 3000;
/** For so long, ms, an old connection and the new one both bring everything. */
const ROTATION_OVERLAP = 3000;

export class Share {
  readonly #options: ShareOptions;
  readonly #logger: Logger;
  readonly #bans: Bans;
  readonly #doubts = new Doubts();
  readonly #stop = new AbortController();
  #markets: readonly Market[];
  #connection: Connection | undefined;
  #proof: NodeJS.Timeout | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #next: Successor | undefined;
  #rotating = false;
  /** What the present connection has brought before it started: should it never start, nothing is proven by it. */
  #early: Message[] | undefined;
  /** The execution time (ms) of the newest trade that came over this share's connections. */
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

  constructor(markets: readonly Market[], options: ShareOptions) {
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

  /** Brings these markets from now on. */
  bring(markets: readonly Market[]): void {
    this.#markets = markets;
    const listed = new Set(markets.map(({ instrument }) => instrument));
    this.#doubts.keepOnly(listed);
    this.#connection?.subscribe(markets);
    this.#next?.connection.subscribe(markets);
  }

  /** Since when (ms) some of its markets may lack trades; undefined when none does. */
  get doubtedSince(): number | undefined {
    return this.#doubts.since;
  }

  /** Since when (ms) an instrument may lack trades; undefined when it does not. */
  doubtOf(instrument: string): number | undefined {
    return this.#doubts.get(instrument)?.since;
  }

  /** Some of its markets may lack trades since a time (ms). */
  doubt(cause: GapCause, since: ReadonlyMap<string, number>): void {
    for (const [instrument, time] of since) this.#doubts.add(cause, instrument, time);
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

  async #stay(connection: Connection): Promise<void> {
    const begun = Date.now();
    const reason = await connection.ended;
    // Either we ended it, or a rotation has put another one into its place.
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
    for (const { instrument } of this.#markets) this.#doubts.add("exchange_disconnect", instrument, since);
    this.#options.intake.disconnected(this.#markets);
  }

  #dropNext(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    this.#options.intake.release(next.held);
    next.connection.end("it is needed no more");
  }

  async #connectUntilStarted(): Promise<void> {
    const { signal } = this.#stop;
    await backOff(() => this.#connect(), {
      jitter: "full",
      // An exchange that lets us in and throws us out again is no better than one that does not let us in.
      delayFirstAttempt: this.#shortLives > 1,
      startingDelay: FIRST_PAUSE * 2 ** Math.min(this.#shortLives, 6),
      maxDelay: LONGEST_PAUSE,
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
  async #open(): Promise<Connection> {
    await this.#turn();
    const { wsUrl, feed } = this.#options;
    return new Connection(wsUrl, feed, this.#markets, {
      frame: (bytes, received, from) => this.#onFrame(bytes, received, from),
      refused: (message) => this.#options.onRefused?.(message, this.#markets),
      turnedAway: (refusal) => this.#bans.hear(wsUrl, refusal),
    });
  }

  /** Waits until a connection may be made. */
  async #turn(): Promise<void> {
    const { connects, hindrance, wsUrl } = this.#options;
    const { signal } = this.#stop;
    do {
      await this.#bans.over(wsUrl, signal);
      await sleep(connects.take(Date.now()), undefined, { signal });
      // A ban may come while we wait for our turn.
    } while (this.#bans.until(wsUrl) !== undefined);
    const reason = hindrance();
    if (reason !== undefined) throw new Error(reason);
  }

  #onFrame(bytes: Buffer, received: number, from: Connection): Parsed {
    const { intake, hindrance } = this.#options;
    this.lastFrame = received;
    const reason = hindrance();
    if (reason !== undefined) from.end(reason);
    const parsed = intake.read(bytes, received, from.id, this.#markets);
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
    this.#options.intake.take(message, this.#doubts, replayed);
  }

  #awaitProof(): void {
    clearTimeout(this.#proof);
    if (this.#doubts.size === 0) return;
    this.#proof = setTimeout(() => this.#options.intake.giveUp(this.#doubts, Date.now()), PROOF_PATIENCE);
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
      this.#options.intake.hold(next.held);
      await connection.started;
      next.started = true;
      const lost = connection.ended.then((why) => Promise.reject(new Error(why)));
      await Promise.race([lost, sleep(ROTATION_OVERLAP, undefined, { signal: this.#stop.signal })]);
      if (this.#connection === old) this.#promote(next, old);
    } catch (error) {
      if (this.#stop.signal.aborted || this.#connection !== old) return;
      this.#logger.warn({ reason: reasonOf(error) }, "no new connection, keeping the old one");
      this.#dropNext();
      this.#rotateIn(LONGEST_PAUSE);
    } finally {
      this.#rotating = false;
    }
  }

  #promote(next: Successor, old?: Connection): void {
    this.#next = undefined;
    this.#connection = next.connection;
    this.rotations += 1;
    for (const message of next.messages) this.#take(message, true);
    this.#options.intake.release(next.held);
    this.#planRotation();
    old?.end("another one has taken its place");
  }

  #setLive(live: boolean, detail: string): void {
    const changed = live !== this.#live || detail !== this.#detail;
    this.#live = live;
    this.#detail = detail;
    if (changed) this.#options.onState();
  }
}

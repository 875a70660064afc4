/**
 * A shard of an exchange's markets, and the connection that brings them: it reconnects by itself, is replaced by a new one
 * before the exchange ends it, and suspects gaps in between.
 */

import type { GapCause } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { reliedTime } from "../../event-time.ts";
import type { Feed, Parsed } from "../../exchanges/exchange.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import type { FrameProcessor, Message } from "../frames/frame-processor.ts";
import { type SuspectedGap, SuspectedGaps } from "../gap-detection/suspected-gaps.ts";
import { Bans } from "../limits/bans.ts";
import type { RateLimiter } from "../limits/rate-limiter.ts";
import { Connector } from "./connector.ts";
import type { ExchangeConnection } from "./exchange-connection.ts";
import { Rotation } from "./rotation.ts";

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

/** After a connection has begun its first frames say what was missed; what they say nothing of by then, ms, may have been. */
const PROOF_PATIENCE = 3000;

export class ConnectionShard {
  readonly #options: ConnectionShardOptions;
  readonly #logger: Logger;
  readonly #connector: Connector;
  readonly #rotation: Rotation;
  readonly #suspects = new SuspectedGaps();
  readonly #stop = new AbortController();
  #markets: readonly Market[];
  #connection: ExchangeConnection | undefined;
  #proof: NodeJS.Timeout | undefined;
  /** What the present connection has brought before it started: should it never start, nothing is proven by it. */
  #early: Message[] | undefined;
  /** The execution time (ms) of the newest trade that came over this shard's connections. */
  #lastTrade: number | null = null;
  /** When (ms) the first connection started. */
  #begun: number | null = null;
  #live = false;
  #detail = "starting";
  lastFrame = 0;
  reconnects = 0;

  constructor(markets: readonly Market[], options: ConnectionShardOptions) {
    this.#markets = markets;
    this.#options = options;
    this.#logger = options.logger;
    const { feed, wsUrl, connects, backpressureReason, bans = new Bans(), processor, logger, onRefused } = options;
    const { signal } = this.#stop;
    const brought = () => this.#markets;
    this.#connector = new Connector({
      ...{ feed, wsUrl, connects, backpressureReason, bans, markets: brought, signal },
      handlers: {
        frame: (bytes, received, from) => this.#onFrame(bytes, received, from),
        refused: (message) => onRefused?.(message, this.#markets),
      },
    });
    this.#rotation = new Rotation({
      ...{ lifetime: feed.lifetime, processor, logger, markets: brought, signal },
      open: () => this.#connector.open(),
      current: () => this.#connection,
      promote: (connection, messages) => {
        this.#connection = connection;
        for (const message of messages) this.#take(message, true);
      },
    });
  }

  /** Connections that were replaced before they broke. */
  get rotations(): number {
    return this.#rotation.count;
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
    this.#rotation.next?.subscribe(markets);
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
      if (this.#connection === undefined) await this.#connector.persist(() => this.#connect(), this.#onFailure);
      if (this.#connection !== undefined) await this.#untilEnded(this.#connection);
    }
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#proof);
    this.#connection?.end();
    this.#rotation.stop();
  }

  async #untilEnded(connection: ExchangeConnection): Promise<void> {
    const begun = Date.now();
    const reason = await connection.ended;
    // Either we ended it, or a rotation has replaced it.
    if (this.#stop.signal.aborted || this.#connection !== connection) return;
    this.#logger.info({ reason }, "disconnected from the exchange");
    if (this.#rotation.takeOver()) return;
    this.#connector.lived(Date.now() - begun);
    this.reconnects += 1;
    this.#connection = undefined;
    clearTimeout(this.#proof);
    this.#setLive(false, reason);
    const since = this.#lastTrade ?? this.#begun ?? this.lastFrame;
    for (const { instrument } of this.#markets) this.#suspects.add("exchange_disconnect", instrument, since);
    this.#options.processor.disconnected(this.#markets);
  }

  async #connect(): Promise<void> {
    const { bannedUntil } = this.#connector;
    if (bannedUntil !== undefined)
      this.#setLive(false, `the exchange wants to be left alone until ${new Date(bannedUntil).toISOString()}`);
    const connection = await this.#connector.open();
    this.#connection = connection;
    this.#early = [];
    await connection.started;
    this.#begun ??= Date.now();
    const early = this.#early;
    this.#early = undefined;
    for (const message of early) this.#take(message);
    this.#setLive(true, "");
    this.#awaitProof();
    this.#rotation.plan();
  }

  readonly #onFailure = (error: unknown): void => {
    this.#connection = undefined;
    this.#setLive(false, reasonOf(error));
  };

  #onFrame(bytes: Buffer, received: number, from: ExchangeConnection): Parsed {
    const { processor, backpressureReason } = this.#options;
    this.lastFrame = received;
    const reason = backpressureReason();
    if (reason !== undefined) from.end(reason);
    const parsed = processor.read(bytes, received, from.id, this.#markets);
    if (parsed.kind === "leaving") void this.#rotation.rotate("the exchange is about to close the connection");
    if (parsed.kind !== "events") return parsed;
    const message = { parsed, received };
    if (from === this.#rotation.next) this.#rotation.keep(message);
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

  #setLive(live: boolean, detail: string): void {
    const changed = live !== this.#live || detail !== this.#detail;
    this.#live = live;
    this.#detail = detail;
    if (changed) this.#options.onState();
  }
}

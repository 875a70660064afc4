/**
 * Replaces a connection before the exchange ends it: a new one is opened, and the old one ended when both have brought the
 * same for a while. Until then the old one is the one that counts, so that the order of its frames is kept; then what only the
 * new one has brought follows.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Market } from "../../../protocol/ingest.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import type { FrameProcessor, Message } from "../frames/frame-processor.ts";
import type { ExchangeConnection } from "./exchange-connection.ts";

export interface RotationOptions {
  /** How long a connection lives, ms; undefined where the exchange ends none. */
  readonly lifetime: number | undefined;
  readonly open: () => Promise<ExchangeConnection>;
  /** The connection that counts. */
  readonly current: () => ExchangeConnection | undefined;
  /** Makes another one the one that counts; its messages so far may have come over the old one, too. */
  readonly promote: (connection: ExchangeConnection, messages: readonly Message[]) => void;
  readonly markets: () => readonly Market[];
  readonly processor: Pick<FrameProcessor, "hold" | "release">;
  readonly logger: Logger;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
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

/** For so long, ms, an old connection and the new one both bring everything. */
const OVERLAP = 3000;
/** Before it is tried again, ms. */
const PAUSE = 30_000;

export class Rotation {
  readonly #options: RotationOptions;
  #timer: NodeJS.Timeout | undefined;
  #next: Successor | undefined;
  #rotating = false;
  /** Connections that were replaced. */
  count = 0;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** The connection that is to replace the one that counts; undefined while there is none. */
  get next(): ExchangeConnection | undefined {
    return this.#next?.connection;
  }

  /** A new connection counts: it is replaced before its lifetime is over. */
  plan(): void {
    const { lifetime } = this.#options;
    // Not all at once, where several were opened at once.
    if (lifetime !== undefined) this.#rotateIn(lifetime * (1 - Math.random() / 20));
  }

  /** What the next connection has brought waits until that one counts. */
  keep(message: Message): void {
    this.#next?.messages.push(message);
  }

  async rotate(reason: string): Promise<void> {
    const { current, logger, signal } = this.#options;
    const old = current();
    if (this.#rotating || old === undefined) return;
    this.#rotating = true;
    logger.info({ reason }, "opening a new connection before the old one goes");
    try {
      await this.#replace(old);
    } catch (error) {
      if (signal.aborted || current() !== old) return;
      logger.warn({ reason: reasonOf(error) }, "no new connection, keeping the old one");
      this.#drop();
      this.#rotateIn(PAUSE);
    } finally {
      this.#rotating = false;
    }
  }

  /** The connection that counts is gone. @returns whether the next one counts from now on */
  takeOver(): boolean {
    const next = this.#next;
    if (next?.started) {
      this.#promote(next);
      return true;
    }
    this.#drop();
    clearTimeout(this.#timer);
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#next?.connection.end();
  }

  async #replace(old: ExchangeConnection): Promise<void> {
    const { open, current, markets, processor, signal } = this.#options;
    const connection = await open();
    if (current() !== old) {
      connection.end("the old one has gone already");
      return;
    }
    const next: Successor = { connection, messages: [], held: markets(), started: false };
    this.#next = next;
    // Both bring the same: none of it may be forgotten before the new one's is compared with it.
    processor.hold(next.held);
    await connection.started;
    next.started = true;
    const lost = connection.ended.then((why) => Promise.reject(new Error(why)));
    await Promise.race([lost, sleep(OVERLAP, undefined, { signal })]);
    if (current() !== old) return;
    this.#promote(next);
    old.end("another one has replaced it");
  }

  #promote(next: Successor): void {
    this.#next = undefined;
    this.count += 1;
    this.#options.promote(next.connection, next.messages);
    this.#options.processor.release(next.held);
    this.plan();
  }

  #drop(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    this.#options.processor.release(next.held);
    next.connection.end("it is needed no more");
  }

  #rotateIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.rotate("it has reached its age"), ms);
  }
}

/**
 * Carries the log of one exchange to its objects. It commits a position only when every feed has stored everything before
 * it, so whoever comes after it, or this process started again, goes on without loss; what a feed has already, it drops.
 */

import type { Source } from "../../protocol/events.ts";
import type { DrainOrder } from "../../protocol/ingest.ts";
import type { AckedBefore, Expired, LogHandlers, LogRecord, TickReader } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { CatchUpReader } from "./catch-up-reader.ts";
import type { EdgeClient } from "./edge-client.ts";
import type { EdgeTotals } from "./edge-totals.ts";
import type { FeedLink } from "./feed-link.ts";
import { dueOn, GRID } from "./grid.ts";
import { Partition } from "./partition.ts";
import type { RingMemory } from "./ring-memory.ts";
import { Semaphore } from "./semaphore.ts";

export interface PusherOptions {
  readonly exchange: string;
  readonly source: Source;
  readonly reader: TickReader;
  readonly edge: EdgeClient;
  readonly logger: Logger;
  /** How often a feed that nobody listens to gets its ticks, ms. */
  readonly idleBatch: number;
  /** What may be held in memory for all feeds together, bytes: beyond it, reading pauses. */
  readonly memory: number;
  /** ... and for one feed: beyond it, its events are let go and read again later. */
  readonly parkBytes: number;
  /** What all pushers of this process share for the last minute of their partitions. */
  readonly ringMemory: RingMemory;
  /** What the feeds say that they have done. */
  readonly totals: EdgeTotals;
}

const COMMIT_PERIOD = 500;

export class Pusher implements LogHandlers {
  readonly #options: PusherOptions;
  readonly #logger: Logger;
  readonly #partitions = new Map<number, Partition>();
  readonly #semaphore = new Semaphore();
  readonly #registered = Promise.withResolvers<void>();
  /** What is collected, as it was said last. */
  #listed: readonly string[] = [];
  #bytes = 0;
  #paused = false;
  /** Of the grid. */
  #ticks = 0;
  #confirmations: (() => void)[] = [];
  #timers: NodeJS.Timeout[] = [];
  #committing: Promise<void> | undefined;
  /** The last drain that was obeyed. */
  #drained: string | undefined;

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ part: "pusher", exchange: options.exchange });
  }

  /** What is held in memory for all feeds, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Feeds that take too little, and whose events were let go. */
  get parked(): number {
    return this.#links.filter(({ parked }) => parked).length;
  }

  /** When the oldest event that a feed has not stored was read, ms; undefined where all is stored. */
  get oldest(): number | undefined {
    const times = this.#links.flatMap(({ oldest }) => oldest ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  get #links(): FeedLink[] {
    return [...this.#partitions.values()].flatMap(({ links }) => [...links]);
  }

  async start(): Promise<void> {
    await this.#options.reader.start(this);
    this.#timers = [setInterval(() => this.#onGrid(), GRID), setInterval(() => void this.#commit(), COMMIT_PERIOD)];
  }

  /**
   * Opens the feeds of these instruments, which are all that the registry has collected, in the partitions that are this
   * pusher's. The clients of those that are no longer among them are told so.
   */
  open(instruments: readonly string[], now = Date.now()): void {
    if (instruments.length > 0) this.#registered.resolve();
    this.#listed = instruments;
    const listed = new Set(instruments);
    this.#eachPartition((partition) => partition.dropUnlisted(listed, now));
    for (const partition of this.#partitions.keys()) this.#openListed(partition);
  }

  /** Has all clients reconnect. The same order is obeyed once. */
  drain({ id, within }: DrainOrder): void {
    if (id === this.#drained) return;
    this.#drained = id;
    this.#logger.info({ within }, "asking the clients to reconnect");
    this.#eachPartition((partition) => partition.drain(within));
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#committing;
    await this.#commit();
    this.#eachPartition((partition) => partition.close());
    await this.#options.reader.stop();
  }

  assigned(partition: number): void {
    const { exchange, source, edge, idleBatch, parkBytes, ringMemory, totals, reader } = this.#options;
    const logger = this.#logger;
    logger.info({ partition }, "pushing");
    const live = () => this.#partitions.get(partition)?.next ?? 0;
    const catchUpReader = new CatchUpReader({ partition, reader, live, logger });
    this.#partitions.set(
      partition,
      new Partition({
        exchange,
        source,
        partition,
        edge,
        idleBatch,
        parkBytes,
        ringMemory,
        totals,
        semaphore: this.#semaphore,
        registered: this.#registered.promise,
        logger,
        onBytes: (change) => this.#onBytes(change),
        onLack: (link, catchUp) => catchUpReader.add(link, catchUp),
        confirmation: () => new Promise((resolve) => this.#confirmations.push(resolve)),
      }),
    );
    this.#openListed(partition);
    if (this.#paused) this.#options.reader.pause([partition]);
  }

  revoked(partition: number): void {
    this.#logger.info({ partition }, "no longer pushing");
    this.#partitions.get(partition)?.close();
    this.#partitions.delete(partition);
  }

  resumed(partition: number, epoch: string, acked: AckedBefore): void {
    this.#logger.info({ partition, offset: acked.offset, instruments: acked.last.size }, "going on from the commit");
    this.#partitions.get(partition)?.onResumed(epoch, acked, Date.now());
  }

  records(partition: number, epoch: string, records: readonly LogRecord[]): void {
    this.#partitions.get(partition)?.onRecords(epoch, records, Date.now());
  }

  expired(partition: number, epoch: string, expired: Expired): void {
    this.#logger.warn({ partition, ...expired }, "part of the log has expired before it was pushed");
    this.#partitions.get(partition)?.onExpired(epoch, expired, Date.now());
  }

  confirmed(): void {
    const waiting = this.#confirmations;
    this.#confirmations = [];
    for (const resolve of waiting) resolve();
  }

  #openListed(partition: number): void {
    for (const instrument of this.#listed) {
      if (this.#options.reader.partitionOf(instrument) === partition) this.#partitions.get(partition)?.open(instrument);
    }
  }

  #onGrid(): void {
    const now = Date.now();
    this.#ticks += 1;
    const due = dueOn(this.#ticks);
    this.#eachPartition((partition) => partition.onGrid(now, due));
  }

  #eachPartition(act: (partition: Partition) => void): void {
    for (const partition of this.#partitions.values()) act(partition);
  }

  /** The last resort against a full memory; a single slow feed is parked long before. */
  #onBytes(change: number): void {
    this.#bytes += change;
    if (!this.#paused && this.#bytes > this.#options.memory) {
      this.#paused = true;
      this.#logger.warn({ bytes: this.#bytes }, "too much waits for the feeds: reading pauses");
      this.#options.reader.pause([...this.#partitions.keys()]);
    } else if (this.#paused && this.#bytes < this.#options.memory / 2) {
      this.#paused = false;
      this.#options.reader.resume([...this.#partitions.keys()]);
    }
  }

  #commit(): Promise<void> {
    this.#committing ??= this.#commitOnce().finally(() => {
      this.#committing = undefined;
    });
    return this.#committing;
  }

  async #commitOnce(): Promise<void> {
    const commits = [...this.#partitions].flatMap(([partition, held]) => {
      const commit = held.commitable();
      return commit === undefined ? [] : [{ partition, ...commit, held }];
    });
    if (commits.length === 0) return;
    try {
      await this.#options.reader.commit(commits);
      for (const { held, ...commit } of commits) held.onCommitted(commit);
    } catch (error) {
      // What is not committed is read again, and what is read again the feeds drop: nothing is lost by it.
      this.#logger.info({ reason: reasonOf(error) }, "committing failed, trying again");
    }
  }
}

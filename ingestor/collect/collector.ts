/**
 * Collects one exchange: frames in, raw frames and normalised events into the log. It reconnects by itself, keeps repeats
 * out, announces gaps, and backfills them.
 */

import type { Source } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { CLOCK_LEAD } from "../event-time.ts";
import type { Exchange } from "../exchanges/exchange.ts";
import type { CollectorStatus, Tail, TickWriter } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import { Backfiller } from "./backfill/backfiller.ts";
import { abandonedGaps, type OpenGap } from "./backfill/gaps.ts";
import { ConnectionShard } from "./connections/connection-shard.ts";
import { ConnectionShards } from "./connections/connection-shards.ts";
import { type CollectorCounts, countsOf } from "./counts.ts";
import { TradeDeduplicator } from "./deduplication/trade-deduplicator.ts";
import { type ExchangeState, stateOf, withRemarks } from "./exchange-state.ts";
import { FrameProcessor } from "./frames/frame-processor.ts";
import { RateLimiter } from "./limits/rate-limiter.ts";
import { MarketAssignment } from "./markets/market-assignment.ts";
import type { MarketList } from "./markets/market-list.ts";
import { UncollectedMarkets } from "./markets/uncollected-markets.ts";

export interface CollectorOptions {
  readonly exchange: Exchange;
  readonly wsUrl: string;
  readonly restUrl: string;
  /** What the prices are: part of every status. */
  readonly source: Source;
  readonly writer: TickWriter;
  /** The lowest term to write the log under. */
  readonly term: number;
  readonly list: MarketList;
  /** Which of the listed markets are to be collected. */
  readonly wanted: (market: Market) => boolean;
  readonly logger: Logger;
  /** Called when the state of the exchange has changed. */
  readonly onStatus: () => void;
}

/** Between two status records, ms: they say up to when the log is complete. */
const STATUS_PERIOD = 1000;

/** What there is once the log has been taken over. */
interface Running {
  readonly deduplicator: TradeDeduplicator;
  readonly processor: FrameProcessor;
  readonly backfiller: Backfiller;
  readonly shards: ConnectionShards;
  readonly uncollected: UncollectedMarkets;
  readonly assignment: MarketAssignment;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #logger: Logger;
  readonly #connects: RateLimiter;
  #running: Running | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();
  #loggedUpTo: number | null = null;
  #status: CollectorStatus;
  /** Since when (ms) nobody has collected, until each market has a suspected gap of its own. */
  #unproven: number | undefined;

  constructor(options: CollectorOptions) {
    const { exchange, logger, source } = options;
    this.#options = options;
    this.#logger = logger.child({ part: "collector", exchange: exchange.name });
    this.#connects = new RateLimiter(exchange.feed.connects);
    this.#status = { state: "down", source, since: Date.now(), detail: "starting" };
  }

  get status(): CollectorStatus {
    return this.#status;
  }

  /** Up to when (ms) everything that was received is in the log; null before the first status is. */
  get loggedUpTo(): number | null {
    return this.#loggedUpTo;
  }

  /** Of the newest trade, on the exchange's clock, ms. */
  get lastEventTime(): number | null {
    return this.#running?.processor.lastEventTime ?? null;
  }

  get counts(): CollectorCounts {
    const refusedMarkets = this.#running?.assignment.refused.length ?? 0;
    return { ...countsOf(this.#running), oddRows: this.#options.list.oddRows, refusedMarkets };
  }

  /** Takes the log over and begins; comes back when everything is under way. */
  async start(): Promise<void> {
    const { writer, term, list } = this.#options;
    const tails = await writer.open(term);
    if (this.#stop.signal.aborted) return;
    const running = this.#prepare(tails);
    this.#running = running;
    // Before the first status: should we die now, whoever comes next must know what is missing.
    this.#unproven = earliest(tails.flatMap(({ completeUntil }) => completeUntil ?? []));
    const abandoned = abandonedGaps(tails);
    this.#resumeGaps(abandoned, running.backfiller);
    this.#timer = setInterval(() => this.#onSecond(), STATUS_PERIOD);
    this.#onSecond();
    await list.ready;
    if (this.#stop.signal.aborted) return;
    running.uncollected.restore(abandoned);
    running.assignment.assign();
    this.#suspectRestarted(tails, running.shards);
    this.#unproven = undefined;
    void this.#readBack(running);
  }

  /** Reads the log before the tails: gaps left open there are fetched only when the trades behind them are known. */
  async #readBack({ deduplicator, backfiller, shards, uncollected }: Running): Promise<void> {
    const { signal } = this.#stop;
    await this.#options.writer.readBack(async (partition, earlier) => {
      if (signal.aborted) return;
      const gaps = abandonedGaps([earlier]);
      // Before the recall: trades of a gap that is open are kept.
      this.#resumeGaps(gaps, backfiller);
      await deduplicator.recall(partition, earlier);
      if (signal.aborted) return;
      uncollected.restore(gaps);
      for (const { instrument } of shards.all.flatMap(({ markets }) => markets)) uncollected.resume(instrument);
      backfiller.startDue();
    }, signal);
  }

  /** Resumes the gaps that an earlier collector left open. */
  #resumeGaps(abandoned: readonly OpenGap[], backfiller: Backfiller): void {
    for (const { instrument, cause, since, until } of abandoned)
      if (cause !== "not_collected")
        backfiller.backfill(instrument, cause, since, Math.min(until, Date.now() + CLOCK_LEAD));
  }

  /** The list of markets, or which of them are wanted, has changed. */
  refresh(): void {
    this.#running?.assignment.assign();
  }

  /** Ends the connections and waits until everything received is in the log. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#options.writer.flushed();
  }

  /** Ends at once: another collector has the log by now, and what we would still write is void. */
  abandon(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    this.#running?.shards.stop();
    this.#running?.backfiller.stop();
  }

  #prepare(tails: readonly Tail[]): Running {
    const { exchange, restUrl, wsUrl, writer, list } = this.#options;
    const { bans } = list;
    const logger = this.#logger;
    const deduplicator = new TradeDeduplicator(
      tails,
      (instrument) => writer.partitionOf(instrument),
      exchange.history.sameIds,
    );
    const backfiller = new Backfiller({
      history: exchange.history,
      restUrl,
      deduplicator,
      logger,
      bans,
      market: (instrument) => list.markets.find((market) => market.instrument === instrument),
      append: (event) => writer.append(event),
      onBody: (raw) => writer.appendRaw(raw),
      overloaded: () => writer.overloaded,
      listed: list.ready,
    });
    const processor = new FrameProcessor({ exchange, writer, deduplicator, backfiller, logger });
    const { feed } = exchange;
    const backpressureReason = () =>
      writer.overloaded ? "the log can't keep up: not collecting until it does" : undefined;
    const shards = new ConnectionShards(feed.marketsPerConnection ?? Number.POSITIVE_INFINITY, (markets) => {
      const shard = new ConnectionShard(markets, {
        ...{ feed, wsUrl, connects: this.#connects, processor, backpressureReason, logger, bans },
        onState: () => this.#onState(),
        onRefused: (message, asked) => this.#stop.signal.aborted || assignment.refuse(message, asked),
      });
      void shard.run();
      return shard;
    });
    const uncollected = new UncollectedMarkets({ writer, backfiller });
    const { wanted } = this.#options;
    const assignment = new MarketAssignment({ list, wanted, shards, processor, uncollected, logger });
    return { deduplicator, processor, backfiller, shards, uncollected, assignment };
  }

  /** Since when the markets whose partition has been written before may lack trades. */
  #suspectRestarted(tails: readonly Tail[], shards: ConnectionShards): void {
    for (const shard of shards.all) {
      const since = shard.markets.flatMap(({ instrument }): [string, number][] => {
        const completeUntil = tails[this.#options.writer.partitionOf(instrument)]?.completeUntil ?? null;
        return completeUntil === null ? [] : [[instrument, completeUntil]];
      });
      shard.suspect("collector_restart", new Map(since));
    }
  }

  #onSecond(): void {
    const now = Date.now();
    this.#running?.processor.tick(now);
    this.#running?.assignment.followRefused();
    if (!this.#onState()) this.#announce();
    void this.#options.writer.confirmed().then(() => {
      this.#loggedUpTo = now;
    });
  }

  /** @returns whether the state has changed, and was announced */
  #onState(): boolean {
    if (this.#stop.signal.aborted) return false;
    const { state, detail } = this.#look();
    const { state: before, since, source } = this.#status;
    const changed = state !== before;
    this.#status = { state, source, since: changed ? Date.now() : since, ...(detail === "" ? {} : { detail }) };
    if (!changed) return false;
    this.#announce();
    this.#options.onStatus();
    return true;
  }

  #look(): ExchangeState {
    const { exchange, list } = this.#options;
    if (this.#running === undefined) return withRemarks({ state: "down", detail: "starting" }, list.trouble, []);
    const { shards, assignment } = this.#running;
    return withRemarks(stateOf(shards.all, exchange.feed.silence / 3), list.trouble, assignment.refused);
  }

  #announce(): void {
    const { backfiller, shards } = this.#running ?? {};
    const healing = backfiller?.since;
    const doubted = earliest(
      [this.#unproven ?? [], ...(shards?.all ?? []).map((one) => one.suspectedSince ?? [])].flat(),
    );
    this.#options.writer.announce({
      ...this.#status,
      ...(healing === undefined ? {} : { healing }),
      ...(doubted === undefined ? {} : { doubted }),
    });
  }
}

function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

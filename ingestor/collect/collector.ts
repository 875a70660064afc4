/**
 * Collects one exchange: frames in, raw frames and normalised events into the log. It reconnects by itself, keeps repeats
 * out, says what it may have missed, and fetches it.
 */

import type { Source } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { CLOCK_LEAD } from "../event-time.ts";
import type { Exchange } from "../exchanges/exchange.ts";
import type { CollectorStatus, Tail, TickWriter } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import { Budget } from "./budget.ts";
import { type CollectorCounts, countsOf } from "./counts.ts";
import { abandonedGaps, type OpenGap } from "./gaps.ts";
import { Healer } from "./healer.ts";
import { Intake } from "./intake.ts";
import { KnownTrades } from "./known-trades.ts";
import { LeftOut } from "./left-out.ts";
import type { MarketList } from "./market-list.ts";
import { RefusedMarkets } from "./refused-markets.ts";
import { Share } from "./share.ts";
import { Shares } from "./shares.ts";

export interface CollectorOptions {
  readonly exchange: Exchange;
  readonly wsUrl: string;
  readonly restUrl: string;
  /** What the prices are: said with every status. */
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

/** How things are, and why; nothing where all is well. */
interface Looks {
  readonly state: CollectorStatus["state"];
  readonly detail: string;
}

/** What there is once the log has been taken over. */
interface Running {
  readonly known: KnownTrades;
  readonly intake: Intake;
  readonly healer: Healer;
  readonly shares: Shares;
  readonly leftOut: LeftOut;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #logger: Logger;
  readonly #connects: Budget;
  #running: Running | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();
  #loggedUpTo: number | null = null;
  #status: CollectorStatus;
  /** Since when (ms) nobody has collected, until each market is in doubt by itself. */
  #unproven: number | undefined;
  /** Those that the exchange will not let us subscribe to. */
  readonly #refused = new RefusedMarkets();
  #refusedSaid = "";

  constructor(options: CollectorOptions) {
    const { exchange, logger, source } = options;
    this.#options = options;
    this.#logger = logger.child({ part: "collector", exchange: exchange.name });
    this.#connects = new Budget(exchange.feed.connects);
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
    return this.#running?.intake.lastEventTime ?? null;
  }

  get counts(): CollectorCounts {
    const refusedMarkets = this.#refused.at(Date.now()).length;
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
    this.#goOnWith(abandoned, running.healer);
    this.#timer = setInterval(() => this.#onSecond(), STATUS_PERIOD);
    this.#onSecond();
    const markets = await list.ready;
    if (this.#stop.signal.aborted) return;
    running.leftOut.remember(abandoned);
    this.#deal(markets, running);
    this.#doubtRestarted(tails, running.shares);
    this.#unproven = undefined;
    void this.#readBack(running);
  }

  /** What stood open before the tails: those gaps wait until it is known what the log has had since, and nothing else does. */
  async #readBack({ known, healer, shares, leftOut }: Running): Promise<void> {
    const { signal } = this.#stop;
    await this.#options.writer.readBack(async (partition, stretch) => {
      if (signal.aborted) return;
      const gaps = abandonedGaps([stretch]);
      // First of all: what is being fetched is not forgotten.
      this.#goOnWith(gaps, healer);
      await known.recall(partition, stretch);
      if (signal.aborted) return;
      leftOut.remember(gaps);
      for (const { instrument } of shares.all.flatMap(({ markets }) => markets)) leftOut.welcome(instrument);
      healer.look();
    }, signal);
  }

  /** With what a collector before us was about to fetch. */
  #goOnWith(abandoned: readonly OpenGap[], healer: Healer): void {
    for (const { instrument, cause, since, until } of abandoned)
      if (cause !== "not_collected") healer.heal(instrument, cause, since, Math.min(until, Date.now() + CLOCK_LEAD));
  }

  /** The list of markets, or which of them are wanted, has changed. */
  refresh(): void {
    if (this.#running !== undefined && this.#options.list.markets.length > 0) {
      this.#deal(this.#options.list.markets, this.#running);
    }
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
    this.#running?.shares.stop();
    this.#running?.healer.stop();
  }

  #prepare(tails: readonly Tail[]): Running {
    const { exchange, restUrl, wsUrl, writer, list } = this.#options;
    const { bans } = list;
    const logger = this.#logger;
    const known = new KnownTrades(tails, (instrument) => writer.partitionOf(instrument), exchange.history.sameIds);
    const healer = new Healer({
      history: exchange.history,
      restUrl,
      known,
      logger,
      bans,
      market: (instrument) => list.markets.find((market) => market.instrument === instrument),
      append: (event) => writer.append(event),
      onBody: (raw) => writer.appendRaw(raw),
      overloaded: () => writer.overloaded,
      listed: list.ready,
    });
    const intake = new Intake({ exchange, writer, known, healer, logger });
    const { feed } = exchange;
    const hindrance = () => (writer.overloaded ? "the log can't keep up: not collecting until it does" : undefined);
    const shares = new Shares(feed.marketsPerConnection ?? Number.POSITIVE_INFINITY, (markets) => {
      const share = new Share(markets, {
        ...{ feed, wsUrl, connects: this.#connects, intake, hindrance, logger, bans },
        onState: () => this.#onState(),
        onRefused: (message, asked) => this.#onRefused(message, asked),
      });
      void share.run();
      return share;
    });
    const leftOut = new LeftOut({ writer, healer });
    return { known, intake, healer, shares, leftOut };
  }

  #deal(listed: readonly Market[], running: Running): void {
    const { intake, shares, leftOut } = running;
    intake.setMarkets(listed);
    const now = Math.min(intake.lastEventTime ?? Date.now(), Date.now());
    const before = shares.all.flatMap((share) =>
      share.markets.map(({ instrument }) => [instrument, Math.min(now, share.doubtOf(instrument) ?? now)] as const),
    );
    this.#refused.keepOnly(listed);
    const wanted = listed.filter((market) => this.#options.wanted(market) && !this.#refused.has(market, Date.now()));
    shares.deal(wanted);
    const collected = new Set(wanted.map(({ instrument }) => instrument));
    for (const instrument of collected) leftOut.welcome(instrument);
    for (const [instrument, since] of before) {
      if (collected.has(instrument)) continue;
      intake.leaveOut(instrument);
      leftOut.leave(instrument, since);
    }
  }

  /** Most often a market was delisted since the last look at the list: the others must not wait for the next one. */
  #onRefused(message: string, asked: readonly Market[]): void {
    if (this.#stop.signal.aborted) return;
    if (this.#refused.hear(message, asked, Date.now())) this.#dealAgain();
    this.#options.list.look();
  }

  /** When those that the exchange refuses have changed. */
  #dealAgain(): void {
    const refused = this.#refused.at(Date.now());
    if (refused.join() === this.#refusedSaid) return;
    this.#refusedSaid = refused.join();
    this.#logger.warn({ refused }, "markets that the exchange refuses are left out");
    this.refresh();
  }

  /** Since when the markets whose partition has been written before may lack trades. */
  #doubtRestarted(tails: readonly Tail[], shares: Shares): void {
    for (const share of shares.all) {
      const since = share.markets.flatMap(({ instrument }): [string, number][] => {
        const completeUntil = tails[this.#options.writer.partitionOf(instrument)]?.completeUntil ?? null;
        return completeUntil === null ? [] : [[instrument, completeUntil]];
      });
      share.doubt("collector_restart", new Map(since));
    }
  }

  #onSecond(): void {
    const now = Date.now();
    this.#running?.intake.tick(now);
    this.#dealAgain();
    if (!this.#onState()) this.#announce();
    void this.#options.writer.confirmed().then(() => {
      this.#loggedUpTo = now;
    });
  }

  /** @returns whether the state has changed, and was announced */
  #onState(): boolean {
    if (this.#stop.signal.aborted) return false;
    const { state, detail } = this.#withRemarks(this.#look());
    const { state: before, since, source } = this.#status;
    const changed = state !== before;
    this.#status = { state, source, since: changed ? Date.now() : since, ...(detail === "" ? {} : { detail }) };
    if (!changed) return false;
    this.#announce();
    this.#options.onStatus();
    return true;
  }

  /** What else is wrong with what we collect. */
  #withRemarks({ state, detail }: Looks): Looks {
    const refused = this.#refused.at(Date.now());
    const left =
      refused.length === 0 ? [] : `refused by the exchange, and left out: ${refused.slice(0, 10).join(", ")}`;
    const all = [detail === "" ? [] : detail, this.#options.list.trouble ?? [], left].flat();
    return { state, detail: all.join("; ") };
  }

  /** Live is only an exchange of which everything comes. */
  #look(): Looks {
    const shares = this.#running?.shares.all ?? [];
    const away = shares.filter(({ live }) => !live);
    const detail = away[0]?.detail ?? "";
    if (shares.length === 0)
      return { state: "down", detail: this.#running === undefined ? "starting" : "nothing is collected" };
    if (away.length === shares.length) return { state: "down", detail };
    if (away.length > 0) return { state: "stale", detail: `${away.length} of ${shares.length} connections: ${detail}` };
    const silence = Date.now() - Math.max(...shares.map(({ lastFrame }) => lastFrame));
    const silent = silence > this.#options.exchange.feed.silence / 3;
    return silent ? { state: "stale", detail: "connected, but nothing comes" } : { state: "live", detail };
  }

  #announce(): void {
    const { healer, shares } = this.#running ?? {};
    const healing = healer?.since;
    const doubted = earliest(
      [this.#unproven ?? [], ...(shares?.all ?? []).map((one) => one.doubtedSince ?? [])].flat(),
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

/** Fetches the trades between two times and puts those that the log lacks into it, late. */

import { setTimeout as sleep } from "node:timers/promises";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { FrameError, type History, HistoryError, UnavailableError } from "../../exchanges/exchange.ts";
import type { RawFrame } from "../../log/log.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import type { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import type { Bans } from "../limits/bans.ts";
import { HistoryClient } from "./history-client.ts";
import { HistoryCoverage } from "./history-coverage.ts";

export interface GapFetcherOptions {
  readonly history: History;
  readonly restUrl: string;
  /** Who must not be asked, and until when: of all that ask the exchange together. */
  readonly bans?: Bans;
  readonly deduplicator: TradeDeduplicator;
  readonly market: (instrument: string) => Market | undefined;
  /** Resolves when there is a market list. */
  readonly listed: Promise<unknown>;
  readonly append: (trade: TradeEvent) => void;
  readonly onBody: (raw: RawFrame) => void;
  /** Whether the log can't take more at the moment. */
  readonly overloaded: () => boolean;
  readonly logger: Logger;
  /** Trades that are gathered for one gap at most: they are in memory until all are there. */
  readonly maxGathered?: number;
  /** How long answers that can't be read are taken for a fault that passes, ms. */
  readonly patience?: number;
}

/** An exchange's history is a little behind its socket, and its clock may be behind ours: ms. */
export const SETTLE = 1000;
const MAX_GATHERED = 200_000;
/** Answers in a row that can't be read, and for how long, ms, before a gap is given up: maintenance may last. */
const UNREADABLE = 3;
const PATIENCE = 600_000;
const OVERLOAD_PAUSE = 500;

export class GapFetcher {
  readonly #options: GapFetcherOptions;
  readonly #signal: AbortSignal;
  readonly #client: HistoryClient;
  /** Answers in a row that can't be read, and since when (ms), by instrument. */
  readonly #unreadable = new Map<string, { readonly count: number; readonly since: number }>();
  /** Trades that were put into the log. */
  lateTrades = 0;

  /** @param signal ends what is under way */
  constructor(options: GapFetcherOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { history, restUrl, onBody, logger, bans } = options;
    this.#client = new HistoryClient({ history, restUrl, onBody, logger, signal, ...(bans && { bans }) });
  }

  /**
   * Puts what was missed between two times (ms) into the log.
   *
   * @returns from when on nothing is missing any more; undefined when it is to be asked for again
   */
  async fetch(instrument: string, since: number, until: number): Promise<number | undefined> {
    const { market: marketOf, logger, listed } = this.#options;
    await listed;
    const market = marketOf(instrument);
    if (market === undefined) return until;
    try {
      const completeFrom = await this.#fetchOnce(market, since, until);
      this.#unreadable.delete(instrument);
      return completeFrom;
    } catch (error) {
      if (this.#signal.aborted || error instanceof UnavailableError) return undefined;
      if (!(error instanceof FrameError || error instanceof HistoryError)) throw error;
      logger.warn({ instrument, reason: reasonOf(error) }, "the trade history does not have what was missed");
      if (error instanceof FrameError && !this.#isHopeless(instrument, Date.now())) return undefined;
      this.#unreadable.delete(instrument);
      return until;
    }
  }

  /** Counts an answer that can't be read. @returns whether there were too many, for too long */
  #isHopeless(instrument: string, now: number): boolean {
    const { patience = PATIENCE } = this.#options;
    const { count, since } = this.#unreadable.get(instrument) ?? { count: 0, since: now };
    this.#unreadable.set(instrument, { count: count + 1, since });
    return count + 1 >= UNREADABLE && now - since >= patience;
  }

  async #fetchOnce(market: Market, since: number, until: number): Promise<number> {
    const { deduplicator, history, overloaded, maxGathered = MAX_GATHERED } = this.#options;
    const { instrument } = market;
    const coverage = new HistoryCoverage(deduplicator, instrument, since, until);
    // A history that continues from our last trade brings missing trades alone, even those older than the gap.
    const from = history.order === "oldest-first" ? 0 : since;
    let gathered: TradeEvent[] = [];
    const lastId = deduplicator.newest(instrument, since)?.id ?? null;
    const pages = this.#client.pages(market, { since, until, lastId });
    for (let page = await pages.next(); ; page = await pages.next()) {
      while (overloaded()) await sleep(OVERLOAD_PAUSE, undefined, { signal: this.#signal });
      if (page.done) {
        this.#append(instrument, gathered);
        return coverage.completeFrom(page.value);
      }
      // Trades after the gap come over the socket: their frames may still be on their way.
      const inside = page.value.filter(({ time }) => time >= from && time <= until + SETTLE);
      coverage.add(page.value);
      if (history.order === "oldest-first") this.#append(instrument, inside);
      else gathered = [...inside.toReversed(), ...gathered];
      if (gathered.length <= maxGathered) continue;
      this.#append(instrument, gathered);
      return coverage.completeFrom(gathered[0]?.time ?? until);
    }
  }

  /** @param trades oldest first */
  #append(instrument: string, trades: readonly TradeEvent[]): void {
    if (this.#signal.aborted) return;
    // Stable: those of the same millisecond stay in the exchange's order.
    const sorted = trades.toSorted((a, b) => a.time - b.time);
    for (const trade of this.#options.deduplicator.admitFetched(instrument, sorted)) {
      this.#options.append({ ...trade, late: true });
      this.lateTrades += 1;
    }
  }
}

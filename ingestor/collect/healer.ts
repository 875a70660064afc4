/**
 * Fetches what was missed. A gap is announced the moment it is known; the trades follow as late ones while live ticks go on;
 * then the gap is closed: `healed`, or `lost` for the part that the exchange no longer tells.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { GapCause, GapEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { FrameError, type History, HistoryError } from "../exchanges/exchange.ts";
import type { RawFrame } from "../log/log.ts";
import { type Logger, reasonOf } from "../logger.ts";
import { gapEvent, type OpenGap } from "./gaps.ts";
import { HistoryClient } from "./history-client.ts";
import type { KnownTrades } from "./known-trades.ts";
import { Telling } from "./telling.ts";

export interface HealerOptions {
  readonly history: History;
  readonly restUrl: string;
  readonly known: KnownTrades;
  readonly market: (instrument: string) => Market | undefined;
  /** Resolves when there is a market list. */
  readonly listed: Promise<unknown>;
  readonly append: (event: GapEvent | TradeEvent) => void;
  readonly onBody: (raw: RawFrame) => void;
  /** Whether the log can't take more at the moment. */
  readonly overloaded: () => boolean;
  readonly logger: Logger;
  /** Trades that are gathered for one gap at most: they are in memory until all are there. */
  readonly most?: number;
}

/** What a healer has done since it started. */
export interface HealerCounts {
  gaps: number;
  healed: number;
  lost: number;
  lateTrades: number;
}

/** Instruments asked for at once: one after the other, the way there and back would cost more than the exchange's limit. */
const WORKERS = 4;
/** An exchange's history is a little behind its socket, and its clock may be behind ours: ms. */
const SETTLE = 1000;
const MOST = 200_000;
/** An open gap that has grown by less than this, ms, is not announced again. */
const GROWTH = 10_000;
/** Answers in a row that can't be read before a gap is given up. */
const UNREADABLE = 3;
const OVERLOAD_PAUSE = 500;

export class Healer {
  readonly #options: HealerOptions;
  readonly #client: HistoryClient;
  readonly #stop = new AbortController();
  /** Gaps that are open, by instrument. */
  readonly #gaps = new Map<string, OpenGap[]>();
  /** Up to when (ms) an open gap was announced, by instrument and beginning. */
  readonly #said = new Map<string, number>();
  readonly #running = new Set<string>();
  readonly counts: HealerCounts = { gaps: 0, healed: 0, lost: 0, lateTrades: 0 };

  constructor(options: HealerOptions) {
    this.#options = options;
    const { history, restUrl, onBody, logger } = options;
    this.#client = new HistoryClient({ history, restUrl, onBody, logger, signal: this.#stop.signal });
  }

  /** Since when (ms) trades of some instrument are being fetched; undefined while none are. */
  get since(): number | undefined {
    const all = [...this.#gaps.values()].flat();
    return all.length === 0 ? undefined : Math.min(...all.map(({ since }) => since));
  }

  /** Gaps that are being fetched. */
  get open(): number {
    return [...this.#gaps.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Announces that trades may be missing between two times (ms), and begins to fetch them. A gap that begins within an open
   * one of the same cause makes that one longer.
   */
  heal(instrument: string, cause: GapCause, begun: number, until: number): void {
    const open = this.#gaps.get(instrument) ?? [];
    const joined = open.find(
      (gap) => (gap.cause === cause && gap.since <= begun && begun <= gap.until) || gap.since === begun,
    );
    const since = joined?.since ?? Math.max(0, Math.min(begun, until));
    const gap: OpenGap = {
      instrument,
      cause: joined?.cause ?? cause,
      since,
      until: Math.max(until, joined?.until ?? 0),
    };
    if (open.length === 0) this.#options.known.hold(instrument);
    this.#gaps.set(instrument, [...open.filter((one) => one !== joined), gap]);
    this.#announce(gap, joined);
    this.#startNext();
  }

  /** One that grows and grows, since the exchange sends nothing that can be read, is said again only now and then. */
  #announce(gap: OpenGap, grownFrom: OpenGap | undefined): void {
    const key = `${gap.instrument}/${gap.since}`;
    const said = this.#said.get(key);
    if (grownFrom !== undefined && said !== undefined && gap.until - said < GROWTH) return;
    this.#said.set(key, gap.until);
    this.#options.append(gapEvent(gap, "open"));
    if (grownFrom === undefined) this.counts.gaps += 1;
  }

  /** Ends what is under way; what is open stays so in the log, for whoever collects next. */
  stop(): void {
    this.#stop.abort();
  }

  #startNext(): void {
    while (this.#running.size < WORKERS && !this.#stop.signal.aborted) {
      const instrument = this.#busiest();
      if (instrument === undefined) return;
      this.#running.add(instrument);
      void this.#healOne(instrument).finally(() => {
        this.#running.delete(instrument);
        this.#startNext();
      });
    }
  }

  /** Busy markets leave the short memory of some exchanges first. */
  #busiest(): string | undefined {
    let busiest: string | undefined;
    let most = -1;
    for (const instrument of this.#gaps.keys()) {
      const count = this.#options.known.count(instrument);
      if (this.#running.has(instrument) || count <= most) continue;
      [busiest, most] = [instrument, count];
    }
    return busiest;
  }

  async #healOne(instrument: string): Promise<void> {
    const gaps = this.#gaps.get(instrument) ?? [];
    const since = Math.min(...gaps.map((gap) => gap.since));
    const until = Math.max(...gaps.map((gap) => gap.until));
    const wholeFrom = await this.#fetch(instrument, since, until);
    if (this.#stop.signal.aborted) return;
    // A gap may have opened, or grown, meanwhile: it takes another round.
    const now = this.#gaps.get(instrument) ?? [];
    for (const gap of gaps) if (now.includes(gap)) this.#close(gap, wholeFrom);
    const left = now.filter((gap) => !gaps.includes(gap));
    if (left.length > 0) {
      this.#gaps.set(instrument, left);
      return;
    }
    this.#gaps.delete(instrument);
    this.#options.known.release(instrument);
  }

  /** Puts what was missed between two times (ms) into the log. @returns from when on nothing is missing any more */
  async #fetch(instrument: string, since: number, until: number): Promise<number> {
    const { market: marketOf, logger } = this.#options;
    const { signal } = this.#stop;
    await this.#options.listed;
    const market = marketOf(instrument);
    for (let unreadable = 1; market !== undefined; unreadable += 1) {
      try {
        await sleep(Math.max(0, until + SETTLE - Date.now()), undefined, { signal });
        return await this.#fetchOnce(market, since, until);
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof FrameError || error instanceof HistoryError)) throw error;
        logger.warn({ instrument, reason: reasonOf(error) }, "the trade history does not tell what was missed");
        if (error instanceof HistoryError || unreadable >= UNREADABLE) break;
      }
    }
    return until;
  }

  async #fetchOnce(market: Market, since: number, until: number): Promise<number> {
    const { known, history, overloaded, most = MOST } = this.#options;
    const { instrument } = market;
    const telling = new Telling(known, instrument, since, until);
    // Where it goes on from our last trade, all that it tells is missing, even what is older than the gap.
    const from = history.order === "oldest-first" ? 0 : since;
    let gathered: TradeEvent[] = [];
    const lastId = known.newest(instrument, since)?.id ?? null;
    const pages = this.#client.pages(market, { since, until, lastId });
    for (let page = await pages.next(); ; page = await pages.next()) {
      while (overloaded()) await sleep(OVERLOAD_PAUSE, undefined, { signal: this.#stop.signal });
      if (page.done) {
        this.#append(instrument, gathered);
        return telling.wholeFrom(page.value);
      }
      // What came after the gap is live's affair: its frames may still be on their way.
      const inside = page.value.filter(({ time }) => time >= from && time <= until + SETTLE);
      telling.hear(page.value);
      if (history.order === "oldest-first") this.#append(instrument, inside);
      else gathered = [...inside.toReversed(), ...gathered];
      if (gathered.length <= most) continue;
      this.#append(instrument, gathered);
      return telling.wholeFrom(gathered[0]?.time ?? until);
    }
  }

  /** @param trades oldest first */
  #append(instrument: string, trades: readonly TradeEvent[]): void {
    if (this.#stop.signal.aborted) return;
    // Stable: those of the same millisecond stay in the exchange's order.
    const sorted = trades.toSorted((a, b) => a.time - b.time);
    for (const trade of this.#options.known.admitFetched(instrument, sorted)) {
      this.#options.append({ ...trade, late: true });
      this.counts.lateTrades += 1;
    }
  }

  #close(gap: OpenGap, wholeFrom: number): void {
    this.#said.delete(`${gap.instrument}/${gap.since}`);
    const lostUntil = Math.min(gap.until, wholeFrom);
    const lost = lostUntil > gap.since;
    this.#options.append(lost ? gapEvent(gap, "lost", { until: lostUntil }) : gapEvent(gap, "healed"));
    this.counts[lost ? "lost" : "healed"] += 1;
  }
}

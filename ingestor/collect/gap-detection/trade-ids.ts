/** Where an exchange's ids count up by one: a hole between two of them shows a loss, even on a connection that never broke. */

import { REORDER_WINDOW } from "../../event-time.ts";
import type { Logger } from "../../logger.ts";
import type { Backfiller } from "../backfill/backfiller.ts";
import type { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { judgeById, type SuspectedGaps } from "./suspected-gaps.ts";

export interface TradeIdsOptions {
  readonly deduplicator: Pick<TradeDeduplicator, "newest" | "renumber">;
  readonly backfiller: Pick<Backfiller, "backfill">;
  readonly logger: Logger;
}

/** An id as a frame names it. Times in ms. */
export interface NamedId {
  /** Whether it is that of a trade that was just received, or that of the newest trade as a ticker names it. */
  readonly by: "trade" | "ticker";
  readonly instrument: string;
  readonly id: string;
  /** When the trade was executed, or the ticker made; never past its receipt. */
  readonly time: number;
  /** Up to when the frame is evidence. */
  readonly until: number;
}

interface Last {
  readonly id: string;
  readonly time: number;
}

/** A ticker may be ahead of the trade it names, ms. */
export const TICKER_LEAD = 2000;
/** A lower id that is later than the last one by more than this, ms, is none that was overtaken: ids have begun anew. */
const OVERTAKEN: Readonly<Record<NamedId["by"], number>> = { trade: 1000, ticker: TICKER_LEAD };

export class TradeIds {
  readonly #options: TradeIdsOptions;
  /** The highest of each instrument. */
  readonly #last = new Map<string, Last>();
  /** Trades that a ticker has named and that have not come: the id, and since when (ms). */
  readonly #announced = new Map<string, { readonly id: string; readonly at: number }>();

  constructor(options: TradeIdsOptions) {
    this.#options = options;
  }

  /** Opens a gap for what an id shows to be missing, and settles the instrument's suspected gap with it. */
  judge(named: NamedId, suspects: SuspectedGaps): void {
    const { by, instrument, id, until } = named;
    const last = this.#lastOf(instrument);
    if (last !== null && hasBegunAnew(named, last)) {
      this.#beginAnew(named, last, suspects);
      return;
    }
    const verdict = judgeById(by, id, last?.id ?? null);
    if (suspects.get(instrument) !== undefined) {
      const suspect = suspects.settle(instrument, verdict);
      if (suspect !== undefined)
        this.#options.backfiller.backfill(instrument, suspect.cause, suspect.since - REORDER_WINDOW, until);
      // Up to there it is fetched: the trades that follow show no other hole.
      if (verdict === "missed" && last !== null) this.#last.set(instrument, { id, time: last.time });
    } else if (verdict !== "missed" || last === null) return;
    else if (by === "trade") this.#backfill(instrument, last, until);
    // It may be on its way.
    else if (!this.#announced.has(instrument)) this.#announced.set(instrument, { id, at: until });
  }

  /** A trade that enters the log. @param time (ms) up to which it may be relied on */
  count(instrument: string, id: string | null, time: number): void {
    const last = this.#last.get(instrument);
    if (id !== null && (last === undefined || Number(id) > Number(last.id))) this.#last.set(instrument, { id, time });
  }

  /** To be called every second: opens a gap for trades that tickers named and that never came. */
  tick(now: number): void {
    for (const [instrument, { id, at }] of this.#announced) {
      if (now - at < TICKER_LEAD) continue;
      this.#announced.delete(instrument);
      const last = this.#lastOf(instrument);
      if (last === null || Number(id) <= Number(last.id)) continue;
      this.#backfill(instrument, last, Math.max(now, at));
      this.#last.set(instrument, { id, time: last.time });
    }
  }

  #backfill(instrument: string, last: Last, until: number): void {
    this.#options.backfiller.backfill(instrument, "missed_trades", last.time - REORDER_WINDOW, until);
  }

  /** What came between the last of the old ids and the first new one that we see may be missing: no id shows it. */
  #beginAnew({ instrument, id, time, until }: NamedId, last: Last, suspects: SuspectedGaps): void {
    const { deduplicator, backfiller, logger } = this.#options;
    logger.warn({ instrument, last: last.id, id }, "the exchange has begun its trade ids anew");
    deduplicator.renumber(instrument);
    this.#announced.delete(instrument);
    this.#last.set(instrument, { id, time });
    const cause = suspects.settle(instrument, "missed")?.cause ?? "missed_trades";
    // Up to the last one the old ids leave no hole.
    backfiller.backfill(instrument, cause, last.time + 1, until);
  }

  #lastOf(instrument: string): Last | null {
    const last = this.#last.get(instrument);
    if (last !== undefined) return last;
    const known = this.#options.deduplicator.newest(instrument);
    if (known !== null) this.#last.set(instrument, known);
    return known;
  }
}

function hasBegunAnew({ by, id, time }: NamedId, last: Last): boolean {
  return Number(id) < Number(last.id) && time > last.time + OVERTAKEN[by];
}

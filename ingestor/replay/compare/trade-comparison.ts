/** Compares the trades that raw gives with those of the log, by id; the order in which the two sides come does not matter. */

import type { TradeEvent } from "../../../protocol/events.ts";
import type { AnnouncedGaps } from "./announced-gaps.ts";
import { type Differences, type Excuse, fieldsThatDiffer, type LogPosition } from "./differences.ts";
import { type OpenTrade, TradeLedger } from "./trade-ledger.ts";
import type { Window } from "./window.ts";

export interface TradeComparisonOptions {
  readonly window: Window;
  readonly differences: Differences;
  readonly gaps: AnnouncedGaps;
  /** Whether a trade has the same id in the exchange's trade history as on its socket. */
  readonly sameIds: boolean;
}

/** A whole range of the trade history is fetched before its trades enter the log: so long, ms of log time, one side waits. */
const PATIENCE = 15 * 60_000;
/** The history tells of trades before the log's first event of an instrument, and clocks differ: ms. */
const BEGINNING = 1000;
const FIELDS = ["price", "size", "side", "time", "snapshot", "late"] as const;

export class TradeComparison {
  readonly #options: TradeComparisonOptions;
  readonly #ledgers = new Map<string, TradeLedger>();
  /** Trades received in the window: those that raw gives, each once, and the log's. */
  readonly counts = { raw: 0, log: 0 };

  constructor(options: TradeComparisonOptions) {
    this.#options = options;
  }

  /**
   * A trade that raw gives.
   *
   * @param trade as a parser makes it; one of the trade history is `late`
   * @param at when the log took it, ms
   */
  raw(trade: TradeEvent, at: number): void {
    const ledger = this.#ledger(trade.instrument);
    const open = ledger.find(trade, at);
    if (open === "too old" && this.#has(trade))
      this.#options.differences.excuse("too long ago to be told from repeats");
    if (typeof open === "string") return;
    const variant: TradeEvent = trade.snapshot ? { ...trade, late: true } : trade;
    const { variants, logged } = open;
    if (variants.length === 0) ledger.count(open, variant, isFetched(variant) ? "history" : "socket");
    if (this.#has(variant) && !variants.some((one) => this.#has(one))) this.counts.raw += 1;
    if (!variants.some((one) => isSame(one, variant))) variants.push(variant);
    if (logged !== undefined && isSame(logged.trade, variant)) ledger.settle(open);
  }

  /** A trade of the log that counts. */
  log(trade: TradeEvent, place: LogPosition, at: number): void {
    const { instrument, received } = trade;
    const inside = this.#has(trade);
    if (inside) this.counts.log += 1;
    this.begun(instrument, received);
    const ledger = this.#ledger(instrument);
    const open = ledger.find(trade, at);
    if (open === "settled" || (typeof open === "object" && open.logged !== undefined)) {
      if (inside) this.#options.differences.add({ difference: "twice in the log", place, log: trade });
    }
    if (typeof open === "string" || open.logged !== undefined) return;
    open.logged = { trade, place };
    ledger.count(open, trade, "log");
    if (open.variants.some((one) => isSame(trade, one))) ledger.settle(open);
  }

  /** The log has an event of an instrument, received at a time (ms). */
  begun(instrument: string, received: number | null): void {
    const ledger = this.#ledger(instrument);
    if (received !== null) ledger.begun = Math.min(ledger.begun, received);
  }

  /** Judges what has been waiting for its other side for long; all of it when log time (ms) is at its end. */
  settle(upTo: number): void {
    for (const ledger of this.#ledgers.values()) {
      for (const open of ledger.quietSince(upTo - PATIENCE)) {
        this.#judge(open, ledger);
        ledger.settle(open);
      }
    }
  }

  #judge({ variants, logged }: OpenTrade, ledger: TradeLedger): void {
    const inside = variants.filter((one) => this.#has(one));
    if (logged === undefined) this.#judgeMissing(inside, ledger);
    else if (inside.length > 0 || this.#has(logged.trade)) this.#judgeOther(variants, logged);
  }

  #judgeMissing(variants: readonly TradeEvent[], ledger: TradeLedger): void {
    const [raw] = variants;
    if (raw === undefined) return;
    const { differences } = this.#options;
    const excuse = this.#excuse(raw, variants, ledger);
    if (excuse === undefined) differences.add({ difference: "not in the log", raw });
    else differences.excuse(excuse);
  }

  #judgeOther(variants: readonly TradeEvent[], { trade, place }: NonNullable<OpenTrade["logged"]>): void {
    const { differences } = this.#options;
    const fields = variants
      .map((one) => fieldsThatDiffer(trade, one, isFetched(one) ? ["received"] : []))
      .reduce<ReturnType<typeof fieldsThatDiffer> | undefined>(fewer, undefined);
    const { type, instrument, id, received } = trade;
    if (fields === undefined) differences.add({ difference: "not in raw", place, log: trade });
    else differences.add({ difference: "fields differ", type, instrument, id, received, place, fields });
  }

  /** Why the log need not have a trade. */
  #excuse(raw: TradeEvent, variants: readonly TradeEvent[], { begun, tally }: TradeLedger): Excuse | undefined {
    const { window, gaps } = this.#options;
    const { instrument, time } = raw;
    const onlyRepeated = variants.every(({ late }) => late === true);
    if (time < window.from || (onlyRepeated && time < begun + BEGINNING)) return "executed before the window";
    if (gaps.lacks(instrument, time)) return "missing as a gap in the log says";
    return tally?.hasAll(raw) ? "told by the trade history under another id" : undefined;
  }

  #has({ received }: TradeEvent): boolean {
    return this.#options.window.has(received);
  }

  #ledger(instrument: string): TradeLedger {
    const known = this.#ledgers.get(instrument);
    if (known !== undefined) return known;
    const ledger = new TradeLedger(this.#options.sameIds);
    this.#ledgers.set(instrument, ledger);
    return ledger;
  }
}

/** A late trade that is no repeat of the socket's was fetched. */
function isFetched({ late, snapshot }: TradeEvent): boolean {
  return late === true && !snapshot;
}

/** When an answer was received is noted twice, a moment apart: once for its bytes, once for its trades. */
function isSame(a: TradeEvent, b: TradeEvent): boolean {
  return FIELDS.every((field) => a[field] === b[field]) && (a.received === b.received || isFetched(a));
}

function fewer<T extends object>(best: T | undefined, one: T): T {
  return best === undefined || Object.keys(one).length < Object.keys(best).length ? one : best;
}

import { defaultListings, type Listing } from "./catalogue.ts";
import type { Fill } from "./fill.ts";
import { Market } from "./market.ts";
import { mulberry32, type Random } from "./random.ts";
import type { Ticker, Window } from "./statistics.ts";
import type { Trade } from "./trade.ts";
import { TradeLog } from "./trade-log.ts";

/** How trades spread over the markets: like real ones (the n-th busiest gets 1/n), or all alike. */
export type Spread = "zipf" | "uniform";

/** Called with each trade and its market's figures just after it. */
export type TradeListener = (trade: Trade, ticker: Ticker) => void;

export interface EngineOptions {
  readonly seed?: number;
  readonly spread?: Spread;
  readonly listings?: readonly Listing[];
  /** What open, high and low of the figures cover. */
  readonly window?: Window;
  /** Epoch ms; a test may bring its own. */
  readonly now?: () => number;
  /** Trades kept for `executed` and for REST history. */
  readonly keep?: number;
}

/** How often a trade is followed by one that equals it in everything but the id, as real fills sometimes do. */
const IDENTICAL_FILLS = 0.02;
/** An identical fill later than this would be a trade dated in the past. */
const IDENTICAL_WITHIN_MS = 50;

/** The exchange without its wire: markets, the trades executed in them, and what becomes of both. */
export class MarketEngine {
  readonly log: TradeLog;
  /** When it began to trade, ms: before its first trade and after every trade of an engine that it replaces. */
  readonly opened: number;
  readonly #random: Random;
  readonly #now: () => number;
  readonly #spread: Spread;
  readonly #markets = new Map<string, Market>();
  readonly #listeners = new Set<TradeListener>();
  readonly #window: Window;
  readonly #ordinals = new Map<string, number>();
  #cumulative: { market: Market; upTo: number }[] = [];
  #identicalTo: Trade | undefined;

  constructor({
    seed = 1,
    spread = "zipf",
    listings = defaultListings(),
    window = "utc-day",
    now = Date.now,
    keep = 150_000,
  }: EngineOptions) {
    this.#random = mulberry32(seed);
    this.#now = now;
    this.#spread = spread;
    this.#window = window;
    this.log = new TradeLog(keep);
    // Ids begin after the ms of the start, so an engine that replaces another within one ms repeats none of its ids.
    this.opened = now() + 1;
    for (const listing of listings) this.list(listing);
  }

  /** The listed markets, the busiest first. */
  get markets(): readonly Market[] {
    return [...this.#markets.values()];
  }

  market(code: string): Market | undefined {
    return this.#markets.get(code);
  }

  /** Calls `listener` with every trade as it is executed; the answer ends that. */
  onTrade(listener: TradeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Lists a market at the quiet end, with a first trade, as each listed market has a last trade to show.
   * @throws {RangeError} when the code is listed already
   */
  list(listing: Listing): void {
    if (this.#markets.has(listing.code)) throw new RangeError(`${listing.code} is listed already`);
    const share = 1 / (this.#markets.size + 1);
    const market = new Market(listing, { random: this.#random, now: this.#time(), share, window: this.#window });
    this.#markets.set(listing.code, market);
    this.#weigh();
    this.#record(market, market.draw(this.#random), this.#time());
  }

  /** Takes a market off the list and answers it. @throws {RangeError} when it is not listed */
  delist(code: string): Market {
    const market = this.#known(code);
    this.#markets.delete(code);
    this.#weigh();
    return market;
  }

  /** Opens or closes trading in a market that stays listed. @throws {RangeError} when it is not listed */
  setOpen(code: string, open: boolean): void {
    this.#known(code).open = open;
    this.#weigh();
  }

  /**
   * Executes one trade, in the named market or in one drawn by weight; undefined when no market is open.
   * @throws {RangeError} when the named market is not listed or closed
   */
  execute(code?: string): Trade | undefined {
    const repeated = code === undefined ? this.#takeIdentical() : undefined;
    if (repeated) return this.#record(this.#known(repeated.market), repeated, repeated.timestamp, repeated.frameAt);
    const market = code === undefined ? this.#draw() : this.#known(code);
    if (!market) return undefined;
    if (!market.open) throw new RangeError(`${market.code} is closed`);
    const trade = this.#record(market, market.draw(this.#random), this.#time());
    if (this.#random() < IDENTICAL_FILLS) this.#identicalTo = trade;
    return trade;
  }

  /** A market's history as REST serves it: its trades that pass `test`, newest first, up to `limit`. */
  history(market: string, limit: number, test?: (trade: Trade) => boolean): Trade[] {
    return this.log.history(market, limit, test);
  }

  #record(market: Market, fill: Fill, ms: number, frame?: number): Trade {
    const { id, timestamp } = market.nextId(ms);
    const frameAt = frame ?? Math.max(timestamp, this.#now());
    const ordinal = (this.#ordinals.get(market.code) ?? 0) + 1;
    this.#ordinals.set(market.code, ordinal);
    market.statistics.record(fill, { timestamp, frameAt, ordinal });
    const { ticker } = market.statistics;
    const trade: Trade = {
      seq: this.log.head + 1,
      market: market.code,
      ordinal,
      id,
      timestamp,
      frameAt,
      price: fill.price,
      volume: fill.volume,
      side: fill.side,
      bestAskPrice: fill.bestAskPrice,
      bestAskSize: fill.bestAskSize,
      bestBidPrice: fill.bestBidPrice,
      bestBidSize: fill.bestBidSize,
      prevClosingPrice: ticker.prevClosingPrice,
      sentTo: 0,
    };
    this.log.add(trade);
    for (const listener of this.#listeners) listener(trade, ticker);
    return trade;
  }

  #takeIdentical(): Trade | undefined {
    const trade = this.#identicalTo;
    this.#identicalTo = undefined;
    if (!trade || !this.#markets.get(trade.market)?.open) return undefined;
    const overtaken = this.log.last(trade.market) !== trade || this.#time() - trade.timestamp > IDENTICAL_WITHIN_MS;
    return overtaken ? undefined : trade;
  }

  #draw(): Market | undefined {
    const total = this.#cumulative.at(-1)?.upTo ?? 0;
    const point = this.#random() * total;
    return this.#cumulative.find(({ upTo }) => point < upTo)?.market;
  }

  #weigh(): void {
    let upTo = 0;
    this.#cumulative = [];
    for (const [rank, market] of this.markets.entries()) {
      if (!market.open) continue;
      upTo += this.#spread === "uniform" ? 1 : 1 / (rank + 1);
      this.#cumulative.push({ market, upTo });
    }
  }

  #known(code: string): Market {
    const market = this.#markets.get(code);
    if (!market) throw new RangeError(`${code} is not listed`);
    return market;
  }

  #time(): number {
    return Math.max(this.#now(), this.opened);
  }
}

import type { MarketEngine } from "../engine.ts";
import type { Trade } from "../trade.ts";
import { aggTradeRow, amount, turnoverText } from "./frames.ts";
import type { TradeIds } from "./ids.ts";
import { allow, whole } from "./query.ts";
import { Refusal } from "./refusal.ts";
import { symbolOf } from "./streams.ts";

/** A part of a market's history; all bounds are inclusive. */
interface Span {
  readonly fromOrdinal?: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** What REST still knows of the trades; every page is oldest first. */
export class TradeHistory {
  readonly #engine: MarketEngine;
  readonly #ids: TradeIds;

  constructor(engine: MarketEngine, ids: TradeIds) {
    this.#engine = engine;
    this.#ids = ids;
  }

  /** The newest trades. @throws {Refusal} */
  newest(query: URLSearchParams): string {
    allow(query, ["symbol", "limit"]);
    return this.#rows(this.#page(query, {}));
  }

  /** Trades from an id on, or the newest. @throws {Refusal} */
  trades(query: URLSearchParams): string {
    allow(query, ["symbol", "limit", "fromId"]);
    const fromId = whole(query, "fromId");
    const fromOrdinal = fromId === undefined ? undefined : this.#ids.ordinalOfTrade(fromId);
    return this.#rows(this.#page(query, { fromOrdinal }));
  }

  /** Aggregates from an id on, or within a time, or the newest. @throws {Refusal} */
  aggregates(query: URLSearchParams): string {
    allow(query, ["symbol", "limit", "fromId", "startTime", "endTime"]);
    const [fromId, from, to] = [whole(query, "fromId"), whole(query, "startTime"), whole(query, "endTime")];
    if (fromId !== undefined && (from !== undefined || to !== undefined)) {
      throw new Refusal(400, -1128, "Combination of optional parameters invalid.");
    }
    const fromOrdinal = fromId === undefined ? undefined : this.#ids.ordinalOfAggregate(fromId);
    const page = this.#page(query, { fromOrdinal, from, to });
    return `[${page.map((trade) => aggTradeRow(trade, this.#ids)).join(",")}]`;
  }

  /** With a beginning the oldest from there on, without one the newest. */
  #page(query: URLSearchParams, { fromOrdinal, from, to }: Span): Trade[] {
    const code = this.#code(query);
    const limit = whole(query, "limit") ?? 500;
    if (limit < 1 || limit > 1_000) {
      throw new Refusal(400, -1130, "Data sent for parameter 'limit' is not valid: it is 1 … 1000.");
    }
    const within = (trade: Trade) =>
      trade.ordinal >= (fromOrdinal ?? 0) &&
      trade.timestamp >= (from ?? 0) &&
      trade.timestamp <= (to ?? Number.POSITIVE_INFINITY);
    const begins = fromOrdinal !== undefined || from !== undefined;
    const newestFirst = this.#engine.history(code, begins ? Number.POSITIVE_INFINITY : limit, within);
    return newestFirst.slice(-limit).reverse();
  }

  #code(query: URLSearchParams): string {
    const symbol = query.get("symbol");
    if (!symbol)
      throw new Refusal(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    const market = this.#engine.markets.find(({ code }) => symbolOf(code) === symbol);
    if (!market) throw new Refusal(400, -1121, "Invalid symbol.");
    return market.code;
  }

  #rows(page: readonly Trade[]): string {
    const row = ({ ordinal, price, volume, timestamp, side }: Trade) =>
      `{"id":${this.#ids.trade(ordinal)},"price":"${amount(price)}","qty":"${amount(volume)}",` +
      `"quoteQty":"${turnoverText(price * volume)}","time":${timestamp},"isBuyerMaker":${side === "ASK"},"isBestMatch":true}`;
    return `[${page.map(row).join(",")}]`;
  }
}

import type { SimulatedExchange } from "../dialect.ts";
import type { Market } from "../market.ts";
import { Refusal, timeOfDay, tradeRow, UpbitProtocolRest } from "../upbit-protocol/rest.ts";
import { volumeText } from "./frames.ts";
import { trimmed } from "./numbers.ts";
import type { UpbitSettings } from "./settings.ts";

const DAY = 86_400_000;
const CAUTIONS = [
  "PRICE_FLUCTUATIONS",
  "TRADING_VOLUME_SOARING",
  "DEPOSIT_AMOUNT_SOARING",
  "GLOBAL_PRICE_DIFFERENCES",
  "CONCENTRATION_OF_SMALL_ACCOUNTS",
];

/** Upbit's quotation REST: a page of the history never leaves its UTC day. */
export class UpbitRest extends UpbitProtocolRest {
  constructor(exchange: SimulatedExchange, settings: UpbitSettings) {
    super(exchange, settings.requests);
  }

  protected limitHeaders(group: "market" | "trade") {
    return { "Remaining-Req": `group=${group}; min=600; sec=9` };
  }

  protected marketList(query: URLSearchParams): object[] {
    const details = query.get("is_details") ?? query.get("isDetails") ?? "false";
    if (details !== "true" && details !== "false") throw new Refusal(400, "is_details is true or false");
    return this.exchange.engine.markets.map((market) => listed(market, details === "true"));
  }

  protected ticks(query: URLSearchParams): string[] {
    const { engine, now } = this.exchange;
    const market = query.get("market");
    if (!market) throw new Refusal(400, "market is missing, such as market=KRW-BTC");
    const count = whole(query, "count", 1, 500) ?? 1;
    const daysAgo = whole(query, "days_ago", 0, 7) ?? whole(query, "daysAgo", 0, 7) ?? 0;
    const cursor = query.get("cursor");
    if (cursor !== null && !/^\d{1,19}$/.test(cursor)) throw new Refusal(400, "cursor is a sequential_id");
    if (!engine.market(market)) throw new Refusal(404, "Code not found");
    // A page never leaves its UTC day, with a cursor or without.
    const day = Math.floor(now() / DAY) - daysAgo;
    const before = Math.min((day + 1) * DAY, day * DAY + endOf(query.get("to")));
    const trades = engine.history(
      market,
      count,
      (trade) =>
        trade.timestamp >= day * DAY && trade.timestamp < before && (cursor === null || trade.id < BigInt(cursor)),
    );
    return trades.map((trade) => tradeRow(trade, (price) => trimmed(price, 1), volumeText));
  }
}

function listed({ code, koreanName, englishName }: Market, details: boolean) {
  const entry = { market: code, korean_name: koreanName, english_name: englishName };
  if (!details) return entry;
  const caution = Object.fromEntries(CAUTIONS.map((name) => [name, false]));
  return { ...entry, market_event: { warning: false, caution } };
}

function whole(query: URLSearchParams, name: string, from: number, to: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to) throw new Refusal(400, `${name} is ${from} … ${to}`);
  return value;
}

/** Ms since midnight; the end of the day when absent. */
function endOf(to: string | null): number {
  const time = to === null ? DAY : timeOfDay(to);
  if (time === undefined) throw new Refusal(400, "to is HH:mm:ss or HHmmss, in UTC");
  return time;
}

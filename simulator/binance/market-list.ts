import type { Market } from "../market.ts";
import { allow } from "./query.ts";
import { Refusal } from "./refusal.ts";
import { assetsOf, symbolOf } from "./streams.ts";

const STATUSES = ["TRADING", "HALT", "BREAK"];

/** The answer of exchangeInfo. @throws {Refusal} for an unknown symbol or status */
export function marketList(markets: readonly Market[], query: URLSearchParams, now: number, weight: number): string {
  allow(query, ["symbol", "symbolStatus", "permissions", "showPermissionSets"]);
  return JSON.stringify({
    timezone: "UTC",
    serverTime: now,
    rateLimits: [{ rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: weight }],
    exchangeFilters: [],
    symbols: chosen(markets, query).map(listed),
  });
}

function chosen(markets: readonly Market[], query: URLSearchParams): readonly Market[] {
  const [symbol, status] = [query.get("symbol"), query.get("symbolStatus")];
  if (status !== null && !STATUSES.includes(status)) throw new Refusal(400, -1122, "Invalid symbolStatus.");
  if (status !== null && symbol !== null)
    throw new Refusal(400, -1128, "Combination of optional parameters invalid: symbol and symbolStatus.");
  const found = markets.filter((market) => symbol === null || symbolOf(market.code) === symbol);
  if (symbol !== null && found.length === 0) throw new Refusal(400, -1121, "Invalid symbol.");
  return found.filter((market) => status === null || statusOf(market) === status);
}

/** The keys that say what a market is, in the recorded order; those about placing orders are left out. */
function listed(market: Market): object {
  const { base, quote } = assetsOf(market.code);
  return {
    symbol: symbolOf(market.code),
    status: statusOf(market),
    baseAsset: base,
    baseAssetPrecision: 8,
    quoteAsset: quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [],
    permissions: ["SPOT"],
  };
}

function statusOf(market: Market): string {
  return market.open ? "TRADING" : "BREAK";
}

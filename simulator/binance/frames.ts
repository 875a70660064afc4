import { ONE, plain } from "../scaled.ts";
import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import type { TradeIds } from "./ids.ts";
import { symbolOf } from "./streams.ts";

const DAY = 86_400_000;

/** A price or a size as Binance spells it: always eight decimals. */
export function amount(value: bigint): string {
  return plain(value);
}

/** Price times size, of which Binance keeps eight decimals: `turnover` is scaled by 10^16. */
export function turnoverText(turnover: bigint): string {
  return plain(turnover / ONE);
}

/** The text of a trade event. */
export function tradeFrame(trade: Trade, ids: TradeIds): string {
  return `{${head("trade", trade.frameAt, trade.market)},"t":${ids.trade(trade.ordinal)},${fill(trade)},${tail(trade)}}`;
}

/** The text of an aggTrade event. */
export function aggTradeFrame(trade: Trade, ids: TradeIds): string {
  return `{${head("aggTrade", trade.frameAt, trade.market)},${aggregate(trade, ids)}}`;
}

/** A row of REST's aggTrades: the event without its head. */
export function aggTradeRow(trade: Trade, ids: TradeIds): string {
  return `{${aggregate(trade, ids)}}`;
}

/** The text of a 24hrMiniTicker event that goes out at `now` (ms). */
export function miniTickerFrame(figures: Ticker, now: number): string {
  const { market, price, openingPrice, highPrice, lowPrice } = figures;
  return (
    `{${head("24hrMiniTicker", sentAt(figures, now), market)},"c":"${amount(price)}","o":"${amount(openingPrice)}",` +
    `"h":"${amount(highPrice)}","l":"${amount(lowPrice)}",${volumes(figures)}}`
  );
}

/** The text of a 24hrTicker event that goes out at `now` (ms). */
export function tickerFrame(figures: Ticker, now: number, ids: TradeIds): string {
  const at = sentAt(figures, now);
  const change = figures.price - figures.openingPrice;
  const last = ids.trade(figures.lastOrdinal);
  return (
    `{${head("24hrTicker", at, figures.market)},"p":"${amount(change)}",` +
    `"P":"${plain(ratio(change * 100_000n, figures.openingPrice), 3)}",` +
    `"w":"${amount(ratio(figures.turnover24h, figures.volume24h))}","x":"${amount(figures.prevClosingPrice)}",` +
    `"c":"${amount(figures.price)}","Q":"${amount(figures.volume)}",` +
    `"b":"${amount(figures.bestBidPrice)}","B":"${amount(figures.bestBidSize)}",` +
    `"a":"${amount(figures.bestAskPrice)}","A":"${amount(figures.bestAskSize)}",` +
    `"o":"${amount(figures.openingPrice)}","h":"${amount(figures.highPrice)}","l":"${amount(figures.lowPrice)}",` +
    `${volumes(figures)},"O":${at - DAY},"C":${at},` +
    `"F":${last - figures.trades24h + 1},"L":${last},"n":${figures.trades24h}}`
  );
}

/** Whether an event is wrapped with the name of its stream. */
export type Format = "combined" | "raw";

/** The text of a stream's event as it goes out. */
export function framed(stream: string, event: string, format: Format): string {
  return format === "raw" ? event : `{"stream":${JSON.stringify(stream)},"data":${event}}`;
}

/** The text of a serverShutdown event. */
export function shutdownFrame(now: number): string {
  return `{"e":"serverShutdown","E":${now}}`;
}

function head(event: string, at: number, market: string): string {
  return `"e":"${event}","E":${at},"s":"${symbolOf(market)}"`;
}

function fill({ price, volume }: Trade): string {
  return `"p":"${amount(price)}","q":"${amount(volume)}"`;
}

/** `m` says whether the buyer was the maker, that is: the taker sold. */
function tail({ timestamp, side }: Trade): string {
  return `"T":${timestamp},"m":${side === "ASK"},"M":true`;
}

function aggregate(trade: Trade, ids: TradeIds): string {
  const id = ids.trade(trade.ordinal);
  return `"a":${ids.aggregate(trade.ordinal)},${fill(trade)},"f":${id},"l":${id},${tail(trade)}`;
}

function volumes({ volume24h, turnover24h }: Ticker): string {
  return `"v":"${amount(volume24h)}","q":"${turnoverText(turnover24h)}"`;
}

/** A trade may be dated after a clock that stands still; no ticker goes out before its last trade. */
function sentAt(figures: Ticker, now: number): number {
  return Math.max(now, figures.frameAt);
}

/** `part` / `whole`, rounded half away from zero; 0 of nothing. */
function ratio(part: bigint, whole: bigint): bigint {
  if (whole === 0n) return 0n;
  const size = ((part < 0n ? -part : part) * 2n + whole) / (whole * 2n);
  return part < 0n ? -size : size;
}

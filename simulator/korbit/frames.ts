import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import { tradeId } from "./ids.ts";
import { decimal, percent, turnover } from "./numbers.ts";
import { symbolOf } from "./symbols.ts";

/** When a frame is sent, ms, and whether it is what a new subscription begins with. */
interface FrameHeader {
  readonly at: number;
  readonly snapshot?: boolean;
}

/** The text of a trade frame, of one or more trades of one market, oldest first. */
export function tradeFrame(market: string, trades: readonly Trade[], header: FrameHeader): string {
  return frame("trade", market, header, trades.map(tradeRow));
}

/** The text of a ticker frame. */
export function tickerFrame(ticker: Ticker, header: FrameHeader): string {
  return frame("ticker", ticker.market, header, figures(ticker));
}

/** A trade, as frames and REST rows give it. */
export function tradeRow(trade: Trade) {
  return {
    timestamp: trade.timestamp,
    price: decimal(trade.price),
    qty: decimal(trade.volume),
    isBuyerTaker: trade.side === "BID",
    tradeId: tradeId(trade),
  };
}

/** A market's figures, as frames and REST rows give them. */
export function figures(ticker: Ticker) {
  const change = ticker.price - ticker.prevClosingPrice;
  return {
    open: decimal(ticker.openingPrice),
    high: decimal(ticker.highPrice),
    low: decimal(ticker.lowPrice),
    close: decimal(ticker.price),
    prevClose: decimal(ticker.prevClosingPrice),
    priceChange: decimal(change),
    priceChangePercent: percent(change, ticker.prevClosingPrice),
    volume: decimal(ticker.volume24h),
    quoteVolume: turnover(ticker.turnover24h),
    bestAskPrice: decimal(ticker.bestAskPrice),
    bestBidPrice: decimal(ticker.bestBidPrice),
    lastTradedAt: ticker.timestamp,
  };
}

function frame(type: string, market: string, { at, snapshot }: FrameHeader, data: unknown): string {
  // Live frames have no `snapshot` at all, rather than a false one.
  const marked = snapshot ? { snapshot } : {};
  return JSON.stringify({ symbol: symbolOf(market), timestamp: at, type, ...marked, data });
}

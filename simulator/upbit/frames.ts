import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import {
  absolute,
  direction,
  type Field,
  type FrameWriter,
  type StreamType,
  writeFields,
} from "../upbit-protocol/frames.ts";
import { bigDecimal, double, ratio, trimmed } from "./numbers.ts";

/** The formats a client may ask for; the LIST ones wrap each frame in an array. */
export const FORMATS = ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"] as const;
export type Format = (typeof FORMATS)[number];

/** Keys, their order and the spelling of numbers as Upbit sends them. */
export const upbitFrames: FrameWriter<Format> = {
  trade: (trade, format, stream) => write(tradeFields(trade, stream), format),
  ticker: (ticker, format, stream, delisted = false) => write(tickerFields(ticker, stream, delisted), format),
};

/** A price as trade frames spell it; the control surface gives the very same text. */
export function priceText(price: bigint): string {
  return bigDecimal(price);
}

/** A volume as trade frames spell it. */
export function volumeText(volume: bigint): string {
  return trimmed(volume);
}

function tradeFields(trade: Trade, stream: StreamType): Field[] {
  const previous = trade.prevClosingPrice;
  const when = new Date(trade.timestamp).toISOString();
  return [
    ["type", "ty", `"trade"`],
    ["code", "cd", `"${trade.market}"`],
    ["timestamp", "tms", `${trade.frameAt}`],
    ["trade_date", "td", `"${when.slice(0, 10)}"`],
    ["trade_time", "ttm", `"${when.slice(11, 19)}"`],
    ["trade_timestamp", "ttms", `${trade.timestamp}`],
    ["trade_price", "tp", priceText(trade.price)],
    ["trade_volume", "tv", volumeText(trade.volume)],
    ["ask_bid", "ab", `"${trade.side}"`],
    ["prev_closing_price", "pcp", bigDecimal(previous)],
    ["change", "c", direction(trade.price - previous)],
    ["change_price", "cp", bigDecimal(absolute(trade.price - previous))],
    ["sequential_id", "sid", `${trade.id}`],
    ["best_ask_price", "bap", double(trade.bestAskPrice)],
    ["best_ask_size", "bas", double(trade.bestAskSize)],
    ["best_bid_price", "bbp", double(trade.bestBidPrice)],
    ["best_bid_size", "bbs", double(trade.bestBidSize)],
    ["stream_type", "st", `"${stream}"`],
  ];
}

function tickerFields(figures: Ticker, stream: StreamType, delisted: boolean): Field[] {
  const change = figures.price - figures.prevClosingPrice;
  const when = new Date(figures.timestamp).toISOString().replace(/[-:]/g, "");
  return [
    ["type", "ty", `"ticker"`],
    ["code", "cd", `"${figures.market}"`],
    ["opening_price", "op", bigDecimal(figures.openingPrice)],
    ["high_price", "hp", bigDecimal(figures.highPrice)],
    ["low_price", "lp", bigDecimal(figures.lowPrice)],
    ["trade_price", "tp", bigDecimal(figures.price)],
    ["prev_closing_price", "pcp", bigDecimal(figures.prevClosingPrice)],
    ["acc_trade_price", "atp", bigDecimal(figures.turnover, 16)],
    ["change", "c", direction(change)],
    ["change_price", "cp", bigDecimal(absolute(change))],
    ["signed_change_price", "scp", bigDecimal(change)],
    ["change_rate", "cr", ratio(absolute(change), figures.prevClosingPrice)],
    ["signed_change_rate", "scr", ratio(change, figures.prevClosingPrice)],
    ["ask_bid", "ab", `"${figures.side}"`],
    ["trade_volume", "tv", volumeText(figures.volume)],
    ["acc_trade_volume", "atv", volumeText(figures.askVolume + figures.bidVolume)],
    ["trade_date", "tdt", `"${when.slice(0, 8)}"`],
    ["trade_time", "ttm", `"${when.slice(9, 15)}"`],
    ["trade_timestamp", "ttms", `${figures.timestamp}`],
    ["acc_ask_volume", "aav", volumeText(figures.askVolume)],
    ["acc_bid_volume", "abv", volumeText(figures.bidVolume)],
    ["highest_52_week_price", "h52wp", bigDecimal(figures.highest52Weeks)],
    ["highest_52_week_date", "h52wdt", `"${figures.highest52WeeksDate}"`],
    ["lowest_52_week_price", "l52wp", bigDecimal(figures.lowest52Weeks)],
    ["lowest_52_week_date", "l52wdt", `"${figures.lowest52WeeksDate}"`],
    ["market_state", "ms", delisted ? `"DELISTED"` : `"ACTIVE"`],
    ["is_trading_suspended", "its", "false"],
    ["delisting_date", "dd", "null"],
    ["market_warning", "mw", `"NONE"`],
    ["timestamp", "tms", `${figures.frameAt}`],
    ["acc_trade_price_24h", "atp24h", trimmed(figures.turnover24h, 0, 16)],
    ["acc_trade_volume_24h", "atv24h", volumeText(figures.volume24h)],
    ["stream_type", "st", `"${stream}"`],
  ];
}

function write(fields: readonly Field[], format: Format): string {
  const text = writeFields(fields, format.startsWith("SIMPLE") ? "short" : "long");
  return format.endsWith("LIST") ? `[${text}]` : text;
}

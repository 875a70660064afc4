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
import { korean, number, ratio, socketId } from "./numbers.ts";

/** DEFAULT has long keys, SIMPLE short ones. */
export type Format = "DEFAULT" | "SIMPLE";

/** Keys and their order as recorded. */
export const bithumbFrames: FrameWriter<Format> = {
  trade: (trade, format, stream) => write(tradeFields(trade, stream), format),
  ticker: (ticker, format, stream, delisted = false) => write(tickerFields(ticker, stream, delisted), format),
};

function tradeFields(trade: Trade, stream: StreamType): Field[] {
  const previous = trade.prevClosingPrice;
  const { date, time } = korean(trade.timestamp);
  return [
    ["type", "ty", `"trade"`],
    ["code", "cd", `"${trade.market}"`],
    ["trade_price", "tp", number(trade.price)],
    ["trade_volume", "tv", number(trade.volume)],
    ["ask_bid", "ab", `"${trade.side}"`],
    ["prev_closing_price", "pcp", number(previous)],
    ["change", "c", direction(trade.price - previous)],
    ["change_price", "cp", number(absolute(trade.price - previous))],
    ["trade_date", "td", `"${date}"`],
    ["trade_time", "ttm", `"${time}"`],
    ["trade_timestamp", "ttms", `${trade.timestamp}`],
    ["sequential_id", "sid", `${socketId(trade.id)}`],
    ["timestamp", "tms", `${trade.frameAt}`],
    ["stream_type", "st", `"${stream}"`],
  ];
}

function tickerFields(figures: Ticker, stream: StreamType, delisted: boolean): Field[] {
  const change = figures.price - figures.prevClosingPrice;
  const { date, time } = korean(figures.timestamp);
  return [
    ["type", "ty", `"ticker"`],
    ["code", "cd", `"${figures.market}"`],
    ["opening_price", "op", number(figures.openingPrice)],
    ["high_price", "hp", number(figures.highPrice)],
    ["low_price", "lp", number(figures.lowPrice)],
    ["trade_price", "tp", number(figures.price)],
    ["prev_closing_price", "pcp", number(figures.prevClosingPrice)],
    ["change", "c", direction(change)],
    ["change_price", "cp", number(absolute(change))],
    ["signed_change_price", "scp", number(change)],
    ["change_rate", "cr", ratio(absolute(change), figures.prevClosingPrice)],
    ["signed_change_rate", "scr", ratio(change, figures.prevClosingPrice)],
    ["trade_volume", "tv", number(figures.volume)],
    ["acc_trade_volume", "atv", number(figures.askVolume + figures.bidVolume)],
    ["acc_trade_volume_24h", "atv24h", number(figures.volume24h)],
    ["acc_trade_price", "atp", number(figures.turnover, 16)],
    ["acc_trade_price_24h", "atp24h", number(figures.turnover24h, 16)],
    // No dashes and no colons here, unlike in the trade frame.
    ["trade_date", "tdt", `"${date.replaceAll("-", "")}"`],
    ["trade_time", "ttm", `"${time.replaceAll(":", "")}"`],
    ["trade_timestamp", "ttms", `${figures.timestamp}`],
    ["ask_bid", "ab", `"${figures.side}"`],
    ["acc_ask_volume", "aav", number(figures.askVolume)],
    ["acc_bid_volume", "abv", number(figures.bidVolume)],
    ["highest_52_week_price", "h52wp", number(figures.highest52Weeks)],
    ["highest_52_week_date", "h52wdt", `"${figures.highest52WeeksDate}"`],
    ["lowest_52_week_price", "l52wp", number(figures.lowest52Weeks)],
    ["lowest_52_week_date", "l52wdt", `"${figures.lowest52WeeksDate}"`],
    ["market_state", "ms", delisted ? `"DELISTED"` : `"ACTIVE"`],
    ["is_trading_suspended", "its", "false"],
    ["delisting_date", "dd", `""`],
    ["market_warning", "mw", `"NONE"`],
    ["timestamp", "tms", `${figures.frameAt}`],
    ["stream_type", "st", `"${stream}"`],
  ];
}

function write(fields: readonly Field[], format: Format): string {
  return writeFields(fields, format === "SIMPLE" ? "short" : "long");
}

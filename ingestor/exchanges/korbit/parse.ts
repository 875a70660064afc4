/** Korbit's frames, https://docs.digitalx.miraeasset.com, "WebSocket": an object each, a trade frame with a list of trades in it. */

import { type Decimal, subtractDecimals, toDecimal } from "../../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { type InstrumentName, instrument, isCode } from "../../../protocol/instrument.ts";
import { parseExactJson } from "../exact-json.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { type Fields, isFields, readExecution, readRefusal, readTicker, readTrades } from "./fields.ts";

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseFrame(text: string, received: number | null): Parsed {
  const frame = readJson(text);
  if (!isFields(frame)) throw new FrameError("a frame must be an object");
  const { type, status } = frame;
  // Answers to our requests have a status and no type.
  if (status === "success") return { kind: "ignored" };
  if (status !== undefined) return { kind: "refused", message: readRefusal(frame) };
  if (type === "ticker") return { kind: "events", events: [ticker(frame, received)] };
  if (type === "trade") return trades(frame, received);
  if (type === "orderbook") return { kind: "ignored" };
  if (type !== undefined) throw new FrameError(`type: ${JSON.stringify(type).slice(0, 40)} is unknown`);
  throw new FrameError("type: missing, and the frame is no answer either");
}

function readJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`not JSON: ${error.message}`);
  }
}

function trades(frame: Fields, received: number | null): Parsed {
  const { symbol, snapshot, data } = readTrades(frame);
  const name = instrumentOf(symbol);
  const events: TradeEvent[] = [];
  const wrong: string[] = [];
  for (const [index, item] of data.entries()) {
    try {
      const { tradeId, price, qty, isBuyerTaker, timestamp } = readExecution(item);
      events.push({
        type: "trade",
        instrument: name,
        id: tradeId,
        price: toDecimal(price),
        size: toDecimal(qty),
        side: isBuyerTaker ? "buy" : "sell",
        time: Number(timestamp),
        received,
        snapshot,
      });
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      wrong.push(`data[${index}] ${error.message}`);
    }
  }
  if (wrong.length > 0) throw new FrameError(wrong.join("; "), events);
  return events.length > 0 ? { kind: "events", events } : { kind: "ignored" };
}

function ticker(frame: Fields, received: number | null): TickerEvent {
  const { symbol, timestamp, data } = readTicker(frame);
  const price = toDecimal(data.close);
  const prevClose = decimal(data.prevClose);
  return {
    type: "ticker",
    instrument: instrumentOf(symbol),
    price,
    size: null,
    side: null,
    open: decimal(data.open),
    high: decimal(data.high),
    low: decimal(data.low),
    prevClose,
    // close − prevClose, as every frame shows. The documentation's formula has it the other way round.
    change: decimal(data.priceChange) ?? (prevClose === null ? null : subtractDecimals(price, prevClose)),
    changePct: decimal(data.priceChangePercent),
    window: "24h",
    baseVolume24h: decimal(data.volume),
    quoteVolume24h: decimal(data.quoteVolume),
    bid: decimal(data.bestBidPrice),
    ask: decimal(data.bestAskPrice),
    status: null,
    time: Number(data.lastTradedAt ?? timestamp),
    received,
  };
}

function decimal(text: string | null | undefined): Decimal | null {
  return text == null ? null : toDecimal(text);
}

/** @throws {FrameError} when it is not `base_quote` */
function instrumentOf(symbol: string): InstrumentName {
  const parts = splitSymbol(symbol);
  if (parts !== undefined) return instrument("korbit", ...parts).name;
  throw new FrameError(`symbol: "${symbol.slice(0, 40)}" is not base_quote, e.g. btc_krw`);
}

/** `btc_krw` is `["BTC", "KRW"]`; undefined for anything else, `BTC_KRW` too: Korbit tells capitals apart. */
export function splitSymbol(symbol: string): [base: string, quote: string] | undefined {
  const [base = "", quote = "", ...more] = symbol.toUpperCase().split("_");
  const sound = symbol === symbol.toLowerCase() && isCode(base) && isCode(quote) && more.length === 0;
  return sound ? [base, quote] : undefined;
}

/** Binance's frames, https://github.com/binance/binance-spot-api-docs, "WebSocket Streams": alone, in a list, or in `{"stream","data"}`. */

import { type Decimal, subtractDecimals, toDecimal } from "../../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import type { InstrumentName } from "../../../protocol/instrument.ts";
import { parseExactJson } from "../exact-json.ts";
import { FrameError, type Parse, type Parsed, type ParsedEvent } from "../exchange.ts";
import {
  type Execution,
  type Fields,
  isFields,
  readAggTrade,
  readRefusal,
  readTicker,
  readTrade,
  type TickerFields,
} from "./fields.ts";
import { type SymbolReader, symbolReader } from "./symbols.ts";

/** Documented, and nothing of ours. */
const IGNORED = new Set<unknown>(
  "kline depthUpdate avgPrice referencePrice blockTrade 1hTicker 4hTicker 1dTicker serverShutdown".split(" "),
);

/** A parser that knows these markets; without them it knows the usual quotes, see {@link symbolReader}. */
export function parserFor(markets: readonly Market[]): Parse {
  const readSymbol = symbolReader(markets);
  return (text, received) => {
    const frame = readJson(text);
    const data = isFields(frame) && frame["stream"] !== undefined ? frame["data"] : frame;
    return Array.isArray(data) ? parseList(data, received, readSymbol) : parseObject(data, received, readSymbol);
  };
}

function readJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`not JSON: ${error.message}`);
  }
}

/** @throws {FrameError} with the sound events of the list */
function parseList(list: readonly unknown[], received: number | null, readSymbol: SymbolReader): Parsed {
  const events: ParsedEvent[] = [];
  const wrong: string[] = [];
  for (const [index, item] of list.entries()) {
    try {
      const parsed = parseObject(item, received, readSymbol);
      if (parsed.kind === "events") events.push(...parsed.events);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      wrong.push(`[${index}] ${error.message}`);
    }
  }
  if (wrong.length > 0) throw new FrameError(wrong.join("; "), events);
  return events.length > 0 ? { kind: "events", events } : { kind: "ignored" };
}

function parseObject(fields: unknown, received: number | null, readSymbol: SymbolReader): Parsed {
  if (!isFields(fields)) throw new FrameError("a frame (or its data) must be an object or a list of objects");
  switch (fields["e"]) {
    case "trade":
      return { kind: "events", events: [trade(readTrade(fields), received, readSymbol)] };
    case "aggTrade":
      return { kind: "events", events: [trade(readAggTrade(fields), received, readSymbol)] };
    case "24hrTicker":
    case "24hrMiniTicker":
      return { kind: "events", events: [ticker(readTicker(fields), received, readSymbol)] };
    default:
      return parseOther(fields);
  }
}

/** What is no event of ours: answers to our requests, and streams that we do not read. */
function parseOther(fields: Fields): Parsed {
  const { e: type, error, result, u: bestPrices, lastUpdateId: book } = fields;
  if (IGNORED.has(type)) return { kind: "ignored" };
  if (type !== undefined) throw new FrameError(`e: ${JSON.stringify(type).slice(0, 40)} is unknown`);
  const refusal = readRefusal(fields);
  if (refusal !== null) return { kind: "refused", message: refusal };
  if (error !== undefined) throw new FrameError("error: neither code nor msg");
  // Best prices and partial books have no `e`; an answer's result is null, or a list of streams.
  if ([result, bestPrices, book].some((value) => value !== undefined)) return { kind: "ignored" };
  throw new FrameError("e: missing, and the frame is neither a book nor an answer");
}

function trade(fields: Execution, received: number | null, readSymbol: SymbolReader): TradeEvent {
  return {
    type: "trade",
    instrument: instrumentOf(fields.s, readSymbol),
    id: fields.id,
    price: toDecimal(fields.p),
    size: toDecimal(fields.q),
    // `m` says that the buyer was waiting in the book: then the seller is the taker.
    side: fields.m ? "sell" : "buy",
    time: Number(fields.T),
    received,
    snapshot: false,
  };
}

function ticker(fields: TickerFields, received: number | null, readSymbol: SymbolReader): TickerEvent {
  const price = toDecimal(fields.c);
  const open = decimal(fields.o);
  return {
    type: "ticker",
    instrument: instrumentOf(fields.s, readSymbol),
    price,
    size: decimal(fields.Q),
    side: null,
    open,
    high: decimal(fields.h),
    low: decimal(fields.l),
    prevClose: decimal(fields.x),
    change: decimal(fields.p) ?? (open === null ? null : subtractDecimals(price, open)),
    changePct: decimal(fields.P),
    window: "24h",
    baseVolume24h: decimal(fields.v),
    quoteVolume24h: decimal(fields.q),
    bid: decimal(fields.b),
    ask: decimal(fields.a),
    status: null,
    time: Number(fields.E),
    received,
  };
}

function decimal(text: string | null | undefined): Decimal | null {
  return text == null ? null : toDecimal(text);
}

/** @throws {FrameError} when neither the market list nor the known quotes say how to split it */
function instrumentOf(symbol: string, readSymbol: SymbolReader): InstrumentName {
  const name = readSymbol(symbol);
  if (name !== undefined) return name;
  throw new FrameError(`s: "${symbol.slice(0, 40)}" is in no market list and ends with no known quote`);
}

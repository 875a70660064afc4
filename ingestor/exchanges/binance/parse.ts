/** Binance's frames, https://github.com/binance/binance-spot-api-docs, "WebSocket Streams": alone, in a list, or in `{"stream","data"}`. */

import { subtractDecimals } from "../../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import type { InstrumentName } from "../../../protocol/instrument.ts";
import { FrameError, type Parse, type Parsed } from "../exchange.ts";
import { type Fields, isFields, noTrade, readJson, readList, unknownType } from "../frames.ts";
import {
  type Execution,
  readAggTrade,
  readRefusal,
  readRequestId,
  readTicker,
  readTrade,
  type TickerFields,
} from "./fields.ts";
import { type SymbolReader, symbolReader } from "./symbols.ts";

/** Documented, and nothing of ours. */
const IGNORED = new Set<unknown>(
  "kline depthUpdate avgPrice referencePrice blockTrade 1hTicker 4hTicker 1dTicker".split(" "),
);

/** A parser that knows these markets; without them it knows the usual quotes, see {@link symbolReader}. */
export function parserFor(markets: readonly Market[]): Parse {
  const readSymbol = symbolReader(markets);
  return (text, received) => {
    const frame = readJson(text);
    const data = isFields(frame) && frame["stream"] !== undefined ? frame["data"] : frame;
    const read = (item: unknown) => parseObject(item, received, readSymbol);
    return Array.isArray(data) ? readList(data, "", read) : read(data);
  };
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
      return noTrade(() => parseTicker(readTicker(fields), received, readSymbol));
    case "serverShutdown":
      return { kind: "leaving" };
    default:
      return parseOther(fields);
  }
}

function parseTicker(fields: TickerFields, received: number | null, readSymbol: SymbolReader): Parsed {
  const event = ticker(fields, received, readSymbol);
  const events = [event];
  if (fields.L === null) return { kind: "events", events };
  return { kind: "events", events, lastTradeIds: new Map([[event.instrument, fields.L]]) };
}

/** What is no event of ours: answers to our requests, and streams that we do not read. */
function parseOther(fields: Fields): Parsed {
  const { e: type, error, result, u: bestPrices, lastUpdateId: book } = fields;
  if (IGNORED.has(type)) return { kind: "ignored" };
  if (type !== undefined) throw unknownType("e", type);
  const refusal = readRefusal(fields);
  if (refusal !== null) return { kind: "refused", message: refusal };
  if (error !== undefined) throw new FrameError("error: neither code nor msg", [], "no-trade");
  // An answer's result is null, or a list of streams.
  if (result !== undefined) return accepted(readRequestId(fields));
  // Best prices and partial books have no `e`.
  if (bestPrices !== undefined || book !== undefined) return { kind: "ignored" };
  throw new FrameError("e: missing, and the frame is neither a book nor an answer");
}

function accepted(request: string | null): Parsed {
  return request === null ? { kind: "ignored" } : { kind: "accepted", request };
}

function trade(fields: Execution, received: number | null, readSymbol: SymbolReader): TradeEvent {
  return {
    type: "trade",
    instrument: instrumentOf(fields.s, readSymbol),
    id: fields.id,
    price: fields.p,
    size: fields.q,
    // `m` says that the buyer was waiting in the book: then the seller is the taker.
    side: fields.m ? "sell" : "buy",
    time: fields.T,
    received,
    snapshot: false,
  };
}

function ticker(fields: TickerFields, received: number | null, readSymbol: SymbolReader): TickerEvent {
  const { c: price, o: open } = fields;
  return {
    type: "ticker",
    instrument: instrumentOf(fields.s, readSymbol),
    price,
    size: fields.Q,
    side: null,
    open,
    high: fields.h,
    low: fields.l,
    prevClose: fields.x,
    change: fields.p ?? (open === null ? null : subtractDecimals(price, open)),
    changePct: fields.P,
    window: "24h",
    baseVolume24h: fields.v,
    quoteVolume24h: fields.q,
    bid: fields.b,
    ask: fields.a,
    status: null,
    time: fields.E,
    received,
  };
}

/** @throws {FrameError} when neither the market list nor the known quotes say how to split it */
function instrumentOf(symbol: string, readSymbol: SymbolReader): InstrumentName {
  const name = readSymbol(symbol);
  if (name !== undefined) return name;
  throw new FrameError(`s: "${symbol.slice(0, 40)}" is in no market list and ends with no known quote`);
}

/** Frames as Upbit sends them, with long or short keys: `ticker` and `trade` to events. Bithumb's present generation looks alike. */

import type { z } from "zod";
import { shiftDecimal, subtractDecimals } from "../../../protocol/decimal.ts";
import type { Ticker, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Instrument } from "../../../protocol/instrument.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { type Fields, noTrade, tickerWithVolume, unknownType } from "../frames.ts";
import { frameReaders, keyOf, readRefusal, type TickerFields, type TradeFields } from "./fields.ts";

/** What differs from exchange to exchange. */
export interface FrameDialect {
  readonly code: z.ZodType<Instrument>;
  /** Which day a ticker's figures are of: frames look alike, midnight differs. */
  readonly window: Ticker["window"];
  /** Whether a frame is neither of ours nor a fault: of another type, or without one (`undefined`) and no error. */
  readonly ignores: (type: unknown, frame: Fields) => boolean;
}

/** @returns what parses one object of a frame, and throws a {@link FrameError} that names the field that is wrong */
export function objectParser(dialect: FrameDialect): (frame: Fields, received: number | null) => Parsed {
  const { code, window, ignores } = dialect;
  const read = frameReaders(code);
  return (frame, received) => {
    const type = frame["type"] ?? frame["ty"];
    if (type === "trade") return { kind: "events", events: [trade(read.trade(frame), received)] };
    if (type === "ticker") {
      return noTrade(() => {
        const fields = read.ticker(frame);
        return tickerWithVolume(ticker(fields, window, received), fields.acc_trade_volume);
      });
    }
    if (type !== undefined) {
      if (ignores(type, frame)) return { kind: "ignored" };
      throw unknownType(keyOf("type", frame), type);
    }
    const refusal = readRefusal(frame);
    if (refusal !== null) return { kind: "refused", message: refusal };
    if (typeof frame["status"] === "string" || ignores(type, frame)) return { kind: "ignored" };
    throw new FrameError("type: missing, and the frame is neither a status nor an error");
  };
}

function trade(fields: TradeFields, received: number | null): TradeEvent {
  return {
    type: "trade",
    instrument: fields.code.name,
    id: fields.sequential_id,
    price: fields.trade_price,
    size: fields.trade_volume,
    side: fields.ask_bid,
    time: fields.trade_timestamp,
    received,
    snapshot: fields.stream_type === "SNAPSHOT",
  };
}

function ticker(fields: TickerFields, window: Ticker["window"], received: number | null): TickerEvent {
  const { trade_price: price, prev_closing_price: prevClose, signed_change_rate: ratio } = fields;
  return {
    type: "ticker",
    instrument: fields.code.name,
    price,
    size: fields.trade_volume,
    side: fields.ask_bid,
    open: fields.opening_price,
    high: fields.high_price,
    low: fields.low_price,
    prevClose,
    change: fields.signed_change_price ?? (prevClose === null ? null : subtractDecimals(price, prevClose)),
    changePct: ratio === null ? null : shiftDecimal(ratio, 2),
    window,
    baseVolume24h: fields.acc_trade_volume_24h,
    quoteVolume24h: fields.acc_trade_price_24h,
    bid: null,
    ask: null,
    status: status(fields),
    time: fields.trade_timestamp,
    received,
  };
}

// A market in preview or delisted is not traded either: which of them it is says more than that it is suspended.
function status({ market_state: state, is_trading_suspended: suspended }: TickerFields): Ticker["status"] {
  if (state === "PREVIEW") return "preview";
  if (state === "DELISTED") return "delisting";
  if (suspended === true) return "suspended";
  return state === "ACTIVE" ? "active" : null;
}

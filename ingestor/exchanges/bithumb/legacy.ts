/**
 * Frames of the older generation (`wss://pubwss.bithumb.com/pub/ws`, undocumented by now), for recordings: every value is
 * a string, and times are Korean wall clock without an offset.
 */

import { z } from "zod";
import { subtractDecimals } from "../../../protocol/decimal.ts";
import type { Side, Ticker } from "../../../protocol/events.ts";
import { FrameError, type Parsed } from "../exchange.ts";
import { amount, type Fields, field, noTrade, orNull, readFields, readList, signed, unknownType } from "../frames.ts";
import { baseFirst } from "./fields.ts";

const SUCCESS = "0000";
/** `매도체결` and `매수체결`, a sale and a purchase by the taker: in recorded sweeps the price climbs while it says 2. */
const SIDES: ReadonlyMap<string, Side> = new Map([
  ["1", "sell"],
  ["2", "buy"],
]);
/** The rolling day, and the day since midnight in Korea. */
const WINDOWS: ReadonlyMap<string, Ticker["window"]> = new Map([
  ["24H", "24h"],
  ["MID", "kst-day"],
]);

/** yyyy-MM-dd HH:mm:ss with a fraction, in Korea, to ms since 1970: microseconds are rounded down. */
const koreanTime = z
  .string()
  .regex(/^[\d-]+ [\d:.]+$/, "not a time, e.g. 2021-06-02 08:43:34.555058")
  .transform((text) => `${text.replace(" ", "T")}+09:00`)
  .pipe(z.iso.datetime({ offset: true, error: "not a time that exists" }))
  .transform((text) => Date.parse(text));

const answer = z.object({ status: z.string(), resmsg: z.string().default("") });
const transactions = z.object({ content: z.object({ list: z.array(z.unknown()) }) });
const transaction = z.object({
  symbol: baseFirst,
  buySellGb: field("1 or 2", (kind) => SIDES.get(kind)),
  contPrice: amount,
  contQty: amount,
  contDtm: koreanTime,
});
const tickerContent = z.object({
  symbol: baseFirst,
  tickType: z.enum(["30M", "1H", "12H", "24H", "MID"]),
  date: z.string().regex(/^\d{8}$/, "not yyyyMMdd"),
  time: z.string().regex(/^\d{6}$/, "not HHmmss"),
  closePrice: amount,
  openPrice: orNull(amount),
  highPrice: orNull(amount),
  lowPrice: orNull(amount),
  prevClosePrice: orNull(amount),
  chgAmt: orNull(signed),
  chgRate: orNull(signed),
  volume: orNull(amount),
  value: orNull(amount),
});

/** @throws {FrameError} naming the field that is wrong, with the sound trades of the same frame */
export function parseLegacy(frame: Fields, received: number | null): Parsed {
  const { type } = frame;
  if ("resmsg" in frame) return noTrade(() => parseAnswer(frame));
  if (type === "transaction") return trades(frame, received);
  if (type === "ticker") return noTrade(() => ticker(frame, received));
  if (type === "orderbookdepth" || type === "orderbooksnapshot") return { kind: "ignored" };
  if (type !== undefined) throw unknownType("type", type);
  throw new FrameError("type: missing, and it is unknown");
}

function parseAnswer(frame: Fields): Parsed {
  const { status, resmsg } = readFields(answer, frame);
  return status === SUCCESS ? { kind: "ignored" } : { kind: "refused", message: `${status}: ${resmsg}` };
}

function trades(frame: Fields, received: number | null): Parsed {
  const { list } = readFields(transactions, frame).content;
  return readList(list, "content.list", (item) => trade(item, received));
}

function trade(item: unknown, received: number | null): Parsed {
  const { symbol, contPrice: price, contQty: size, buySellGb: side, contDtm: time } = readFields(transaction, item);
  const { name } = symbol;
  const event = {
    type: "trade",
    instrument: name,
    id: null,
    price,
    size,
    side,
    time,
    received,
    snapshot: false,
  } as const;
  return { kind: "events", events: [event] };
}

function ticker(frame: Fields, received: number | null): Parsed {
  const content = readFields(tickerContent, frame["content"], inContent);
  const { openPrice: open, closePrice: price } = content;
  const time = timeOf(content);
  const window = WINDOWS.get(content.tickType);
  // Half an hour, an hour and twelve hours have no name in the contract; their figures would pass for those of a day.
  if (window === undefined) return { kind: "ignored" };
  const wholeDay = window === "24h";
  return {
    kind: "events",
    events: [
      {
        type: "ticker",
        instrument: content.symbol.name,
        price,
        size: null,
        side: null,
        open,
        high: content.highPrice,
        low: content.lowPrice,
        prevClose: content.prevClosePrice,
        // It counts from the beginning of the window, not from the previous close: 34010 − 33400 = 610 in a recorded frame.
        change: content.chgAmt ?? (open === null ? null : subtractDecimals(price, open)),
        changePct: content.chgRate,
        window,
        // Volumes cover the window too: those since midnight are not those of 24 hours.
        baseVolume24h: wholeDay ? content.volume : null,
        quoteVolume24h: wholeDay ? content.value : null,
        bid: null,
        ask: null,
        status: null,
        time,
        received,
      },
    ],
  };
}

/** A ticker's date and time are digits only: `20210811` and `132017`. */
function timeOf({ date, time }: z.infer<typeof tickerContent>): number {
  const text = `${date.replace(/(....)(..)(..)/, "$1-$2-$3")} ${time.replace(/(..)(..)(..)/, "$1:$2:$3")}`;
  return readFields(koreanTime, text, () => "content.date, content.time");
}

function inContent(field: string): string {
  return ["content", field].filter(Boolean).join(".");
}

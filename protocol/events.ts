/** A normalised event, as `npm run normalize` prints it and as Kafka carries it. */

import { z } from "zod";
import { isDecimal } from "./decimal.ts";

export const decimal = z.string().refine(isDecimal, { error: "a decimal in plain notation, e.g. 0.0012" });
export const timestamp = z.int().nonnegative();
export const side = z.enum(["buy", "sell"]);
export type Side = z.infer<typeof side>;

/** `live`, or something that must never be taken for it. */
export const source = z.enum(["live", "simulated", "replay"]);
export type Source = z.infer<typeof source>;

/** What open, high, low and change of a ticker cover. */
export const window = z.enum(["24h", "utc-day", "kst-day"]);
export const marketStatus = z.enum(["active", "preview", "suspended", "delisting"]);

/** The figures of a ticker; what an exchange does not send is null, never invented. */
export const tickerFields = z.object({
  price: decimal,
  size: decimal.nullable(),
  side: side.nullable(),
  open: decimal.nullable(),
  high: decimal.nullable(),
  low: decimal.nullable(),
  prevClose: decimal.nullable(),
  change: decimal.nullable(),
  changePct: decimal.nullable(),
  window,
  baseVolume24h: decimal.nullable(),
  quoteVolume24h: decimal.nullable(),
  bid: decimal.nullable(),
  ask: decimal.nullable(),
  status: marketStatus.nullable(),
  time: timestamp,
});
export type Ticker = z.infer<typeof tickerFields>;

const instrument = z.string();
/** When the collector got the frame (ms); null where a recording does not say. */
const received = timestamp.nullable();

// A schema writes its keys in the order in which they stand here: that of the contract.
export const tickerEvent = z.object({ type: z.literal("ticker"), instrument, ...tickerFields.shape, received });
export type TickerEvent = z.infer<typeof tickerEvent>;

export const tradeEvent = z.object({
  type: z.literal("trade"),
  instrument,
  /** As text, digit for digit: some are beyond 2^53. */
  id: z.string().nullable(),
  price: decimal,
  size: decimal,
  side,
  /** Execution time. */
  time: timestamp,
  received,
  /** Repeated by the exchange on connecting: enters the log only when its id is unknown there. */
  snapshot: z.boolean(),
  /** Missed and fetched or repeated later: stands where it arrived, not where it was executed. */
  late: z.literal(true).optional(),
});
export type TradeEvent = z.infer<typeof tradeEvent>;

/** Why trades may be missing. */
export const gapCause = z.enum([
  "exchange_disconnect",
  "collector_restart",
  /** A frame that might have been a trade could not be read. */
  "unreadable_frame",
  /** The exchange's own ids, or the volumes of its tickers, show that it has left some out. */
  "missed_trades",
  /** The operator had the instrument left out. */
  "not_collected",
  "epoch_changed",
  "log_expired",
]);
export type GapCause = z.infer<typeof gapCause>;
export const gapFields = z.object({
  cause: gapCause,
  since: timestamp,
  until: timestamp,
  /** `open` while they are being fetched, then `healed` (all have come as late trades) or `lost`. */
  state: z.enum(["open", "healed", "lost"]),
});
export type Gap = z.infer<typeof gapFields>;
export const gapEvent = z.object({ type: z.literal("gap"), instrument, ...gapFields.shape, received });
export type GapEvent = z.infer<typeof gapEvent>;

export const marketEvent = z.discriminatedUnion("type", [tickerEvent, tradeEvent, gapEvent]);
/** Everything that stands in a log of ticks. */
export type MarketEvent = z.infer<typeof marketEvent>;

/** The figures of a ticker event without its envelope, in the order of the contract. */
export function tickerOf({
  type: _type,
  instrument: _instrument,
  received: _received,
  ...fields
}: TickerEvent): Ticker {
  return fields;
}

/** The fields of a gap event without its envelope. */
export function gapOf({ cause, since, until, state }: GapEvent): Gap {
  return { cause, since, until, state };
}

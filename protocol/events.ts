/** A normalised event, as `npm run normalize` prints it and as Kafka carries it. */

import { z } from "zod";
import { isDecimal } from "./decimal.ts";
import { GAP_CAUSES, GAP_STATES, MARKET_STATUSES, SIDES, SOURCES, WINDOWS } from "./vocabulary.ts";

export const decimal = z.string().refine(isDecimal, { error: "a decimal in plain notation, e.g. 0.0012" });
export const timestamp = z.int().nonnegative();
export const side = z.enum(SIDES);
export type Side = z.infer<typeof side>;

/** `live`, or something that must never be taken for it. */
export const source = z.enum(SOURCES);
export type Source = z.infer<typeof source>;

export const window = z.enum(WINDOWS);
export const marketStatus = z.enum(MARKET_STATUSES);

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

export const gapCause = z.enum(GAP_CAUSES);
export type GapCause = z.infer<typeof gapCause>;
export const gapFields = z.object({
  cause: gapCause,
  since: timestamp,
  until: timestamp,
  state: z.enum(GAP_STATES),
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

/**
 * The shapes of the server's frames, checked by hand: the schemas of `protocol/` say the same, but need a library that a
 * browser would have to load, and take longer over thousands of trades a second. `frame-shapes.test.ts` compares the two.
 */

import { isDecimal } from "../protocol/decimal.ts";
import type { Gap, Ticker } from "../protocol/events.ts";
import type { DataItem, FailedStream, Path, SubscribedStream, TradeItem } from "../protocol/frames.ts";
import type { MultiServerFrame, SubscribedPattern } from "../protocol/multi-stream-frames.ts";
import {
  FEED_STATES,
  GAP_CAUSES,
  GAP_STATES,
  MARKET_STATUSES,
  NOT_RECOVERED,
  SIDES,
  SOURCES,
  WINDOWS,
} from "../protocol/vocabulary.ts";
import { array, either, literal, nullable, object, oneOf, optional, record, type Shape, simple } from "./shape.ts";

const text = simple((value): value is string => typeof value === "string", "text");
const bool = simple((value): value is boolean => typeof value === "boolean", "true or false");
const whole = simple((value): value is number => Number.isSafeInteger(value), "a whole number");
const count = simple((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0, "0 or more");
const decimal = simple((value): value is string => typeof value === "string" && isDecimal(value), "a decimal");
const side = oneOf(...SIDES);
const source = oneOf(...SOURCES);
const requestId = optional(
  either(
    whole,
    simple((value) => typeof value === "string" && value.length <= 64, "an id"),
  ),
);
const error = { code: text, message: text, retryable: bool };

const path: Shape<Path> = object({ exchange: count, received: nullable(count), logged: count, edge: count });
const ticker: Shape<Ticker> = object({
  price: decimal,
  size: nullable(decimal),
  side: nullable(side),
  open: nullable(decimal),
  high: nullable(decimal),
  low: nullable(decimal),
  prevClose: nullable(decimal),
  change: nullable(decimal),
  changePct: nullable(decimal),
  window: oneOf(...WINDOWS),
  baseVolume24h: nullable(decimal),
  quoteVolume24h: nullable(decimal),
  bid: nullable(decimal),
  ask: nullable(decimal),
  status: nullable(oneOf(...MARKET_STATUSES)),
  time: count,
});
const trade: Shape<TradeItem> = object({
  id: nullable(text),
  price: decimal,
  size: decimal,
  side,
  time: count,
  seq: count,
  late: optional(literal(true)),
});
const gap: Shape<Gap> = object({
  cause: oneOf(...GAP_CAUSES),
  since: count,
  until: count,
  state: oneOf(...GAP_STATES),
});

/** Enough of an item to know where it stands. */
export type Place = Pick<DataItem, "stream" | "epoch" | "prev" | "seq" | "snapshot">;
const place = { stream: text, epoch: text, prev: count, seq: count, snapshot: optional(literal(true)) };
export const placeShape: Shape<Place> = object(place);
export const itemShape: Shape<DataItem> = object({
  ...place,
  instrument: text,
  n: count,
  t: path,
  source: optional(oneOf("simulated", "replay")),
  ticker: optional(ticker),
  range: optional(object({ low: decimal, high: decimal })),
  trades: optional(array(trade)),
  gap: optional(gap),
});

const epoch = simple((value): value is string => typeof value === "string" && /^.{1,64}$/su.test(value), "an epoch");
export const positionsShape: Shape<Record<string, number>> = record(epoch, count);
const reason = oneOf(...NOT_RECOVERED);
const subscribedStream: Shape<SubscribedStream> = object({
  requested: text,
  stream: text,
  epoch: optional(text),
  seq: count,
  recovered: optional(bool),
  reason: optional(reason),
});
const subscribedPattern: Shape<SubscribedPattern> = object({
  requested: text,
  stream: text,
  matches: count,
  recovered: optional(record(epoch, either(literal(true), reason))),
});
const failedStream: Shape<FailedStream> = object({ requested: text, error: object(error) });

/** What a client acts upon, of both kinds of socket; everything else that a server says is passed over. */
export type ServerSays = Exclude<MultiServerFrame, { op: "welcome" | "pong" | "unsubscribed" }>;
type Frame<Op extends ServerSays["op"]> = Shape<Extract<ServerSays, { op: Op }>>;

/** By op. */
export const FRAMES: { readonly [Op in ServerSays["op"]]: Frame<Op> } = {
  subscribed: object({
    op: literal("subscribed"),
    id: requestId,
    streams: array(either(subscribedPattern, subscribedStream)),
    failed: array(failedStream),
    positions: optional(positionsShape),
  }),
  data: object({ op: literal("data"), data: array(itemShape), positions: optional(positionsShape) }),
  ended: object({ op: literal("ended"), instruments: array(text), error: object(error) }),
  status: object({
    op: literal("status"),
    exchange: text,
    state: oneOf(...FEED_STATES),
    source,
    since: count,
    asOf: nullable(count),
    detail: optional(text),
  }),
  probe: object({ op: literal("probe"), id: whole }),
  reconnect: object({ op: literal("reconnect"), within: whole, reason: text }),
  error: object({ op: literal("error"), id: requestId, ...error }),
};

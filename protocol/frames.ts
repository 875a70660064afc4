/** The frames of the public WebSocket, PROTOCOL.md §3 and §4. Receivers ignore ops and fields that they do not know. */

import { z } from "zod";
import { decimal, gapFields, side, source, tickerFields, timestamp } from "./events.ts";
import { FEED_STATES, NOT_RECOVERED } from "./vocabulary.ts";

const seq = z.int().nonnegative();

/** The position that a stream is to be resumed from. */
export const wantedPosition = z.object({ epoch: z.string(), seq });

/** A stream by name, or with the position from which to resume. That is checked stream by stream: a bad one spoils no other. */
const wantedStream = z.union([
  z.string(),
  z.object({ stream: z.string(), epoch: z.unknown().optional(), seq: z.unknown().optional() }),
]);
export type WantedStream = z.infer<typeof wantedStream>;

const requestId = z.union([z.int(), z.string().max(64)]).optional();
export type RequestId = string | number;

export const subscribeFrame = z.object({
  op: z.literal("subscribe"),
  id: requestId,
  streams: z.array(wantedStream).min(1),
});
/** What clients of every kind of socket may send besides. */
export const COMMON_CLIENT_FRAMES = [
  z.object({ op: z.literal("unsubscribe"), id: requestId, streams: z.array(z.string()).min(1) }),
  z.object({ op: z.literal("ping") }),
  z.object({ op: z.literal("ack"), id: z.int() }),
] as const;

export const clientFrame = z.discriminatedUnion("op", [subscribeFrame, ...COMMON_CLIENT_FRAMES]);
export type ClientFrame = z.infer<typeof clientFrame>;
export const CLIENT_OPS = ["subscribe", "unsubscribe", "ping", "ack"] as const;

export const errorFields = { code: z.string(), message: z.string(), retryable: z.boolean() };

/** The path that the newest event of an item took; ms. `edge` is when the feed sent it. */
export const path = z.object({
  exchange: timestamp,
  received: timestamp.nullable(),
  logged: timestamp,
  edge: timestamp,
});
export type Path = z.infer<typeof path>;

export const tradeItem = z.object({
  id: z.string().nullable(),
  price: decimal,
  size: decimal,
  side,
  time: timestamp,
  seq,
  late: z.literal(true).optional(),
});
export type TradeItem = z.infer<typeof tradeItem>;

/** One item of a stream. `prev` is the `seq` of the item before it: if it is not the last one you saw, something is missing. */
export const dataItem = z.object({
  stream: z.string(),
  instrument: z.string(),
  epoch: z.string(),
  prev: seq,
  seq,
  /** Log events folded into this item. */
  n: z.int().nonnegative(),
  t: path,
  snapshot: z.literal(true).optional(),
  /** Absent means live. */
  source: source.exclude(["live"]).optional(),
  ticker: tickerFields.optional(),
  range: z.object({ low: decimal, high: decimal }).optional(),
  trades: z.array(tradeItem).optional(),
  gap: gapFields.optional(),
});
export type DataItem = z.infer<typeof dataItem>;

export const feedState = z.enum(FEED_STATES);

/** What is known of an exchange's feed. `asOf` says up to which time it is known to be complete; null where nothing is. */
export const feedStatus = z.object({
  state: feedState,
  source,
  since: timestamp,
  asOf: timestamp.nullable(),
  detail: z.string().optional(),
});
export type FeedStatus = z.infer<typeof feedStatus>;

export const subscribedStream = z.object({
  requested: z.string(),
  stream: z.string(),
  epoch: z.string().optional(),
  seq,
  recovered: z.boolean().optional(),
  reason: z.enum(NOT_RECOVERED).optional(),
});
export type SubscribedStream = z.infer<typeof subscribedStream>;

export const failedStream = z.object({ requested: z.string(), error: z.object(errorFields) });
export type FailedStream = z.infer<typeof failedStream>;

/** Those of an address came later: an older server says none. */
export const limits = z.object({
  streams: z.int(),
  message_bytes: z.int(),
  messages_per_second: z.int(),
  connections_per_address: z.int().optional(),
  connections_per_minute: z.int().optional(),
  requests_per_minute: z.int().optional(),
});

export const welcomeFrame = z.object({
  op: z.literal("welcome"),
  session: z.string(),
  region: z.string(),
  limits,
});
export const subscribedFrame = z.object({
  op: z.literal("subscribed"),
  id: requestId,
  streams: z.array(subscribedStream),
  failed: z.array(failedStream),
});
export const dataFrame = z.object({ op: z.literal("data"), data: z.array(dataItem) });
/** What every kind of socket may be sent besides. */
export const COMMON_SERVER_FRAMES = [
  z.object({ op: z.literal("unsubscribed"), id: requestId, streams: z.array(z.string()) }),
  z.object({ op: z.literal("status"), exchange: z.string(), ...feedStatus.shape }),
  z.object({ op: z.literal("probe"), id: z.int() }),
  z.object({ op: z.literal("reconnect"), within: z.int(), reason: z.string() }),
  z.object({ op: z.literal("error"), id: requestId, ...errorFields }),
  z.object({ op: z.literal("pong") }),
] as const;

export const serverFrame = z.discriminatedUnion("op", [
  welcomeFrame,
  subscribedFrame,
  dataFrame,
  ...COMMON_SERVER_FRAMES,
]);
export type ServerFrame = z.infer<typeof serverFrame>;

/**
 * What the ingestor and the edge say to each other: the publisher sockets of a feed (`/v1/ingest/{exchange}/{symbol}`)
 * and of a market (`/v1/ingest/{exchange}/*-{quote}`), and the two REST calls that keep the registry current.
 *
 * Events inside a batch were validated when they were made and the socket has shown its token, so only the envelope
 * is checked again.
 */

import { z } from "zod";
import type { MarketEvent } from "./events.ts";
import { source, tickerFields, timestamp } from "./events.ts";
import { feedStatus, path } from "./frames.ts";
import { RATES } from "./stream.ts";

const seq = z.int().nonnegative();
const rates = z.array(z.enum(RATES));

/** An event and where it stands in the log; `logged` is the log's append time, ms. */
export interface LoggedEvent {
  readonly seq: number;
  readonly logged: number;
  readonly event: MarketEvent;
}

const loggedEvents = z.array(z.custom<LoggedEvent>((value) => typeof value === "object" && value !== null));

/** Pusher → feed. An empty batch only says that time has passed. */
export const ticksFrame = z.object({
  op: z.literal("ticks"),
  epoch: z.string(),
  /** The position that this batch continues; a feed that has not got that far asks for a `resend`. */
  prev: seq,
  /** The last position that this batch covers; `prev` when it is empty. */
  seq,
  events: loggedEvents,
  /** Log time (ms) up to which the feed is complete after this batch. */
  asOf: timestamp,
  status: feedStatus,
  /** Conflated rates whose period ends with this batch. `raw` is always due. */
  due: rates,
});
export type TicksFrame = z.infer<typeof ticksFrame>;

/** Feed → pusher. */
export const feedFrame = z.discriminatedUnion("op", [
  /** The last stored position, `epoch` null where nothing is; sent on connecting. */
  z.object({ op: z.literal("ready"), epoch: z.string().nullable(), seq, rates }),
  /** Everything up to `seq` is stored. `dirty`: something is still unstored, unsent or unflushed. */
  z.object({ op: z.literal("ack"), epoch: z.string(), seq, dirty: z.boolean() }),
  /** Which rates are listened to; answered with an immediate batch. */
  z.object({ op: z.literal("cadence"), rates }),
  /** Something is missing: send again what follows `from`. */
  z.object({ op: z.literal("resend"), epoch: z.string(), from: seq }),
  /** Another publisher has taken this one's place. */
  z.object({ op: z.literal("replaced") }),
]);
export type FeedFrame = z.infer<typeof feedFrame>;

/** The newest ticker of an instrument, as lists and Redis hold it. */
export const latestTicker = z.object({
  instrument: z.string(),
  epoch: z.string(),
  seq,
  source,
  ticker: tickerFields,
  t: path.omit({ edge: true }),
});
export type LatestTicker = z.infer<typeof latestTicker>;

/** Pusher → market: what has changed, or everything after a `resend`. */
export const marketFrame = z.object({
  op: z.literal("tickers"),
  epoch: z.string(),
  tickers: z.array(z.custom<LatestTicker>((value) => typeof value === "object" && value !== null)),
  asOf: timestamp,
});
export type MarketFrame = z.infer<typeof marketFrame>;

/** Market → pusher: it has lost its memory (or is new) and wants everything. */
export const marketReply = z.discriminatedUnion("op", [
  z.object({ op: z.literal("resend") }),
  z.object({ op: z.literal("replaced") }),
]);
export type MarketReply = z.infer<typeof marketReply>;

/** One line of a market list. Names and warning are null where the exchange has none. */
export const market = z.object({
  instrument: z.string(),
  exchange: z.string(),
  base: z.string(),
  quote: z.string(),
  nativeSymbol: z.string(),
  names: z.object({ ko: z.string().nullable(), en: z.string().nullable() }),
  status: z.string().nullable(),
  warning: z.string().nullable(),
});
export type Market = z.infer<typeof market>;

/** `PUT /v1/ingest/{exchange}/markets`: the whole list of an exchange. */
export const marketList = z.object({ markets: z.array(market).max(20_000) });

export const componentState = z.enum(["up", "down", "absent"]);
export type ComponentState = z.infer<typeof componentState>;

/** `PUT /v1/ingest/{exchange}/report`: how the ingestor is, every few seconds. */
export const ingestReport = z.object({
  status: feedStatus,
  kafka: componentState,
  lastEventTime: timestamp.nullable(),
  /** What is missing on this machine and how to get it. */
  hints: z.array(z.string()).default([]),
});
export type IngestReport = z.infer<typeof ingestReport>;

/**
 * What the ingestor and the edge say to each other: the publisher sockets of a feed (`/v1/ingest/{exchange}/{symbol}`),
 * the two REST calls that keep the registry current, and the lease that says who collects. `partition-frames.ts` has the
 * sockets of partitions.
 *
 * Frames say their version, see `ingest-version.ts`. Events inside a batch were validated when they were made and the socket has shown its token, so only the envelope
 * is checked again.
 */

import { z } from "zod";
import { countsByExchange, edgeCounts } from "./edge-counts.ts";
import type { MarketEvent } from "./events.ts";
import { source, tickerFields, timestamp } from "./events.ts";
import { feedStatus, path } from "./frames.ts";
import { registration } from "./registrations.ts";
import { RATES } from "./stream.ts";

/** Says with every request of an ingestor what its prices are; absent means live. */
export const SOURCE_HEADER = "Tickcast-Source";

const seq = z.int().nonnegative();
const rates = z.array(z.enum(RATES));

/** An event and where it stands in the log; `logged` is the log's append time, ms. */
export interface LoggedEvent {
  readonly seq: number;
  readonly logged: number;
  readonly event: MarketEvent;
}

/** Validated when they were made: only that each is an object is checked. */
export const loggedEvents = z.array(z.custom<LoggedEvent>((value) => typeof value === "object" && value !== null));

/** Pusher → feed. An empty batch says that time has passed, or that the log has become another one. */
export const ticksFrame = z.object({
  op: z.literal("ticks"),
  epoch: z.string(),
  /** The position that this batch continues; a feed that has not got that far asks for a `resend`. */
  prev: seq,
  /** The last position that this batch covers; `prev` when it is empty. */
  seq,
  /** The position up to which the instrument is complete with this batch: none of its events stands between `seq` and this. */
  through: seq,
  /**
   * The position after which the pusher has read this log: that of a marker, where the log was opened or taken over. Null: an
   * older pusher does not say, and its empty batches don't mean that the log is another one.
   */
  opens: seq.nullable(),
  events: loggedEvents,
  /** Log time (ms) up to which the feed is complete after this batch. */
  asOf: timestamp,
  status: feedStatus,
  /** Conflated rates whose period ends with this batch. `raw` is always due. */
  due: rates,
});
export type TicksFrame = z.infer<typeof ticksFrame>;

/** Everything that a pusher says to a feed. */
export const publisherFrame = z.discriminatedUnion("op", [
  ticksFrame,
  /** The instrument is no longer collected: its clients are told and sent away. Nothing follows. */
  z.object({ op: z.literal("retired") }),
  /** The clients should come back, each at some moment within this many ms. */
  z.object({ op: z.literal("drain"), within: z.int().positive() }),
]);
export type PublisherFrame = z.infer<typeof publisherFrame>;

/** What the feed has done since it said something last, with whatever it says: see `edge-counts.ts`. */
const counts = edgeCounts.optional();

/** Feed → pusher. */
export const feedFrame = z.discriminatedUnion("op", [
  /** The last stored position, `epoch` null where nothing is; sent on connecting. */
  z.object({ op: z.literal("ready"), epoch: z.string().nullable(), seq, rates, counts }),
  /** Everything up to `seq` is stored. `dirty`: something is still unstored, unsent or unflushed. */
  z.object({ op: z.literal("ack"), epoch: z.string(), seq, dirty: z.boolean(), counts }),
  /** Which rates are listened to; answered with an immediate batch. */
  z.object({ op: z.literal("cadence"), rates, counts }),
  /** Something is missing: send again what follows `from`. */
  z.object({ op: z.literal("resend"), epoch: z.string(), from: seq, counts }),
  /** Another publisher has superseded this one. */
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

/** One row of a market list. Names and warning are null where the exchange has none. */
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

/** `PUT /v1/ingest/{exchange}/markets`: the whole list of an exchange, whatever of it is collected. */
export const marketList = z.object({ markets: z.array(market) });

export const componentState = z.enum(["up", "down", "absent"]);
export type ComponentState = z.infer<typeof componentState>;

/** `PUT /v1/ingest/{exchange}/report`: how the ingestor is, every few seconds. */
export const ingestReport = z.object({
  status: feedStatus,
  kafka: componentState,
  lastEventTime: timestamp.nullable(),
  /** Under which the collector writes the log; a report of a lower one than the live collector's counts for nothing. */
  term: z.int().nonnegative().default(0),
  /** How many partitions the log of the exchange has, see `partition.ts`; absent while this ingestor does not know. */
  partitions: z.int().positive().optional(),
  /** What is missing on this machine and how to get it. */
  hints: z.array(z.string()).default([]),
});
export type IngestReport = z.infer<typeof ingestReport>;

/** An operator's wish that clients reconnect, each at some moment within `within` ms. The same `id` is the same wish. */
export const drainOrder = z.object({ id: z.string(), within: z.int().positive() });
export type DrainOrder = z.infer<typeof drainOrder>;

/** What a report is answered with: what the ingestor is to do. */
export const reportAnswer = z.object({
  /** The rules of this exchange, see `registrations.ts`. */
  registrations: z.array(registration.omit({ exchange: true })),
  drain: drainOrder.nullable(),
  /**
   * What relays have done since an ingestor of the exchange was told last. Absent where no relay has said anything, or where
   * another ingestor is told it.
   */
  relays: countsByExchange.optional(),
});
export type ReportAnswer = z.infer<typeof reportAnswer>;

/** `POST /v1/ingest/{exchange}/lease`: wants to collect the exchange, or goes on doing so. */
export const leaseRequest = z.object({
  /** Names the process. */
  holder: z.string().min(1).max(100),
  /** Under which it writes the log now; 0 while it writes nothing. */
  term: z.int().nonnegative(),
  /** How long the lease holds without being renewed, ms. */
  ttl: z.int().min(1000).max(60_000),
});
export type LeaseRequest = z.infer<typeof leaseRequest>;

/** Who may collect the exchange, and for how long, ms, nobody else may. */
export const leaseAnswer = z.object({
  granted: z.boolean(),
  term: z.int().nonnegative(),
  holder: z.string(),
  freeIn: z.int().nonnegative(),
});
export type LeaseAnswer = z.infer<typeof leaseAnswer>;

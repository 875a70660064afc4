/**
 * What the pusher and a `PartitionFeed` say to each other, on one socket for each partition of an exchange's log
 * (`/v1/ingest/{exchange}/partitions/{partition}`). The feed acks nothing and holds back no commit: it says what it has, and
 * what it lacks the pusher sends again from its ring, or else the newest tickers.
 *
 * While no rate is wanted the feed is idle, and is sent nothing but what it asks for. Frames say their version, see
 * `ingest-version.ts`; fields that are not known are passed over.
 */

import { z } from "zod";
import { edgeCounts } from "./edge-counts.ts";
import { timestamp } from "./events.ts";
import { feedStatus } from "./frames.ts";
import { type LatestTicker, loggedEvents } from "./ingest.ts";
import { RATES } from "./stream.ts";

const seq = z.int().nonnegative();
const rates = z.array(z.enum(RATES));
const tickers = z.array(z.custom<LatestTicker>((value) => typeof value === "object" && value !== null));

/** Pusher → feed, while a rate is wanted: every event of the partition with `prev` < seq ≤ `through`, in order. */
export const partitionBatch = z.object({
  op: z.literal("batch"),
  epoch: z.string(),
  /** The position that it continues: the `through` of the batch or list before. */
  prev: seq,
  through: seq,
  events: loggedEvents,
  /** Log time (ms) up to which the feed is complete after it. */
  asOf: timestamp,
  status: feedStatus,
  /** Conflated rates whose period ends with it. `raw` is always due. */
  due: rates,
  /** Asks the feed to say what it has counted, with `counts`: it says nothing else while batches flow. */
  count: z.boolean().optional(),
});
export type PartitionBatch = z.infer<typeof partitionBatch>;

/**
 * The newest ticker of every instrument that has had one after `from`, as of `through`: what an idle feed is answered with, and
 * what it begins anew with where the events between are not to be had. Its last page sets the feed's position.
 */
export const tickerList = z.object({
  op: z.literal("tickers"),
  epoch: z.string(),
  /** 0 and more: of instruments that are not named the pusher knows nothing before this position. */
  from: seq,
  through: seq,
  tickers,
  asOf: timestamp,
  /** Whether another page of the same list follows. */
  more: z.boolean(),
});
export type TickerList = z.infer<typeof tickerList>;

/** The answer to a `replay`: the events with `from` < seq ≤ `through` of the instruments asked for, page by page. */
export const replayedEvents = z.object({
  op: z.literal("replayed"),
  id: z.string(),
  epoch: z.string(),
  from: seq,
  through: seq,
  events: loggedEvents,
  more: z.boolean(),
  /** False where the ring does not reach back to what was asked for: `from` is where it begins. */
  complete: z.boolean(),
});
export type ReplayedEvents = z.infer<typeof replayedEvents>;

/** Everything that a pusher says to a partition's feed. */
export const partitionFrame = z.discriminatedUnion("op", [
  partitionBatch,
  tickerList,
  replayedEvents,
  /** These are no longer collected: what is held of them must not be shown for new should they come back. */
  z.object({ op: z.literal("gone"), instruments: z.array(z.string()) }),
  /** The clients should come back, each at some moment within this many ms. */
  z.object({ op: z.literal("drain"), within: z.int().positive() }),
]);
export type PartitionFrame = z.infer<typeof partitionFrame>;

/** What the feed has done since it said something last, with whatever it says: see `edge-counts.ts`. */
const counts = edgeCounts.optional();

/** Asks for events of the ring, up to where the batches that follow go on. */
export const replayRequest = z.object({
  op: z.literal("replay"),
  /** Names the answer. */
  id: z.string(),
  epoch: z.string(),
  from: seq,
  /** Null for all of the partition. */
  instruments: z.array(z.string()).nullable(),
  counts,
});
export type ReplayRequest = z.infer<typeof replayRequest>;

/** Feed → pusher. */
export const partitionReply = z.discriminatedUnion("op", [
  /** What the feed has, `epoch` null where its memory was lost, and which rates are wanted of it; first on every socket. */
  z.object({
    op: z.literal("ready"),
    epoch: z.string().nullable(),
    through: seq,
    rates: rates.default([]),
    counts,
  }),
  /** Which rates are wanted from now on. A feed that was idle is taken to the present position first, by a list. */
  z.object({ op: z.literal("cadence"), rates, counts }),
  /** Something is missing: send again what follows `from`. */
  z.object({ op: z.literal("resend"), epoch: z.string(), from: seq, counts }),
  replayRequest,
  /** A list is being read: send at once what waits. */
  z.object({ op: z.literal("read"), counts }),
  /** The answer to a batch that asks for it: to no other pusher, since one of an older version does not know it. */
  z.object({ op: z.literal("counts"), counts: edgeCounts }),
  /** Another publisher has superseded this one. */
  z.object({ op: z.literal("replaced") }),
]);
export type PartitionReply = z.infer<typeof partitionReply>;

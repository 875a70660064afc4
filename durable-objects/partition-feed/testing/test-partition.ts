/** A partition's feed of its own for a test, and what its pusher says. */

import { env } from "cloudflare:test";
import type { LatestTicker, LoggedEvent } from "../../../protocol/ingest.ts";
import type { PartitionBatch, ReplayedEvents, TickerList } from "../../../protocol/partition-frames.ts";
import type { Rate } from "../../../protocol/stream.ts";
import { figures, LIVE } from "../../testing/test-events.ts";
import { openPartitionPublisher } from "../../testing/test-socket.ts";
import type { PartitionFeed } from "../partition-feed.ts";
import { TestRelay } from "./test-relay.ts";

export const [A, B, C] = ["upbit:A-KRW", "upbit:B-KRW", "upbit:C-KRW"] as const;
export const URL = "https://partition/";

let partitions = 0;

export function newPartition(): DurableObjectStub<PartitionFeed> {
  partitions += 1;
  return env.PARTITION_FEED.getByName(`upbit/${partitions}`);
}

export function newest(instrument: string, seq: number, epoch = "e1"): LatestTicker {
  const t = { exchange: seq, received: seq, logged: seq };
  return { instrument, epoch, seq, source: "live", ticker: figures(String(seq), seq), t };
}

/** A list that tells everything after `from`. */
export function list(
  through: number,
  asOf: number,
  tickers: readonly LatestTicker[],
  over: Partial<TickerList> = {},
): TickerList {
  return { op: "tickers", epoch: "e1", from: 0, through, tickers: [...tickers], asOf, more: false, ...over };
}

export function batch(
  prev: number,
  through: number,
  events: readonly LoggedEvent[] = [],
  over: Partial<PartitionBatch> = {},
): PartitionBatch {
  const due: Rate[] = [];
  const asOf = through;
  return { op: "batch", epoch: "e1", prev, through, events: [...events], asOf, status: LIVE, due, ...over };
}

/** The one page of an answer, if nothing else is said. */
export function replayed(
  id: string,
  from: number,
  through: number,
  events: readonly LoggedEvent[],
  over: Partial<ReplayedEvents> = {},
): ReplayedEvents {
  const page = { op: "replayed" as const, epoch: "e1", more: false, complete: true };
  return { ...page, id, from, through, events: [...events], ...over };
}

/** A pusher that has said hello, and a feed that is idle. */
export async function openPusher(feed: DurableObjectStub<PartitionFeed>) {
  const pusher = await openPartitionPublisher(feed, URL);
  await pusher.next("ready");
  return pusher;
}

/** A relay that is sent these streams, the feed being at 10; B had its last ticker at 4. */
export async function served(names: string[]) {
  const feed = newPartition();
  const pusher = await openPusher(feed);
  const relay = await TestRelay.open(feed);
  relay.want(names);
  const { rates } = await pusher.next("cadence");
  pusher.send(list(10, 10, [newest(B, 4)]));
  pusher.send(batch(10, 10));
  const { head, items } = await relay.next("wanted");
  await relay.next("status");
  return { feed, pusher, relay, rates, head, items };
}

/** A feed connection to a feed played by the test. */

import { expect, onTestFinished } from "vitest";
import type { DataItem, SubscribedStream } from "../../protocol/frames.ts";
import type { Position } from "../../protocol/position.ts";
import { FeedConnection, type FeedConnectionOptions } from "../feed-connection.ts";
import type { ClientError, StreamHandlers } from "../handlers.ts";
import { dialNode } from "../node-socket.ts";
import { type FakeFeed, fakeFeed, type Peer } from "./fake-feed.ts";
import { Inbox } from "./inbox.ts";
import { TRADES, tradeSnapshot } from "./items.ts";

export type Close = { code: number; reason: string; retryIn: number | null };

/** A stream of trades and a position in it, as a request names both. */
export const at = (seq: number, epoch = "a") => ({ stream: TRADES, epoch, seq });
export const restarting = { code: "restarting", message: "catching up", retryable: true };
export const unknown = { code: "unknown_stream", message: "there is none", retryable: false };

/** A connection to a feed played by the test, and the callbacks it made. */
export async function setUp(options: Partial<FeedConnectionOptions> = {}) {
  const feed = await fakeFeed();
  const closes = new Inbox<Close>();
  const errors = new Inbox<ClientError>();
  const connection = new FeedConnection({
    url: feed.url.replace("http", "ws"),
    dial: dialNode,
    maxPause: 20,
    onClose: closes.put,
    onError: errors.put,
    ...options,
  });
  onTestFinished(() => connection.close());
  const subscribe = (stream = TRADES, from?: Position) => {
    const items = new Inbox<DataItem>();
    const answers = new Inbox<SubscribedStream>();
    const failures = new Inbox<ClientError>();
    const handlers: StreamHandlers = { onItem: items.put, onSubscribed: answers.put, onError: failures.put };
    return { items, answers, failures, handle: connection.subscribe(stream, handlers, from) };
  };
  return { feed, connection, closes, errors, subscribe };
}

/** A stream of trades that has come to `seq` 5. */
export async function flowing(options?: Partial<FeedConnectionOptions>) {
  const parts = await setUp(options);
  const stream = parts.subscribe();
  const peer = await parts.feed.peer();
  peer.answer(await peer.request(), { epoch: "a", seq: 5 });
  peer.data(tradeSnapshot(5));
  expect(await stream.items.take()).toEqual(tradeSnapshot(5));
  return { ...parts, ...stream, peer };
}

/** The next connection, and its first request. */
export async function nextRequest(feed: FakeFeed): Promise<[Peer, Awaited<ReturnType<Peer["request"]>>]> {
  const peer = await feed.peer();
  return [peer, await peer.request()];
}

/** Those of the items that nobody has taken. */
export const seqs = (items: Inbox<DataItem>) => items.left.map(({ seq }) => seq);

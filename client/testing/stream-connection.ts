/** A client with one connection of many streams, to a server played by the test. */

import { onTestFinished } from "vitest";
import type { DataItem } from "../../protocol/frames.ts";
import { type ClientOptions, TickcastClient } from "../client.ts";
import type { ClientError, Subscribed } from "../handlers.ts";
import { dialNode } from "../node-socket.ts";
import type { ResumeFrom } from "../progress.ts";
import { fakeFeed, type Subscribe } from "./fake-feed.ts";
import { Inbox } from "./inbox.ts";
import { trade } from "./items.ts";

export const WILDCARD = "upbit:*-KRW@trade@1s";

/** A trade item of a wildcard's: of one instrument, at the wildcard's rate. */
export function wildcardTrade(base: string, prev: number, seq: number, epoch = "a"): DataItem {
  const instrument = `upbit:${base}-KRW`;
  return trade(prev, seq, { instrument, stream: `${instrument}@trade@1s`, epoch });
}

/** An answer to a request for wildcards. */
export function matched({ id, streams }: Subscribe, positions: Record<string, number>, recovered?: object) {
  const answers = streams.map((stream) => ({ requested: stream, stream, matches: 2, ...(recovered && { recovered }) }));
  return { op: "subscribed", id, streams: answers, failed: [], positions };
}

export async function setUp(options: Partial<ClientOptions> = {}) {
  const feed = await fakeFeed();
  const errors = new Inbox<ClientError>();
  const client = new TickcastClient({ url: feed.url, dial: dialNode, maxPause: 20, onError: errors.put, ...options });
  onTestFinished(() => client.close());
  const subscribe = (name = WILDCARD, from?: ResumeFrom) => {
    const items = new Inbox<DataItem>();
    const answers = new Inbox<Subscribed>();
    const failures = new Inbox<ClientError>();
    const ended = new Inbox<readonly string[]>();
    const handlers = { onItem: items.put, onSubscribed: answers.put, onError: failures.put, onEnded: ended.put };
    return { items, answers, failures, ended, handle: client.subscribe(name, handlers, from) };
  };
  return { feed, client, errors, subscribe };
}

/** A wildcard that begins at position 10 of epoch `a`. */
export async function flowing(options?: Partial<ClientOptions>) {
  const parts = await setUp(options);
  const stream = parts.subscribe();
  const peer = await parts.feed.peer();
  peer.send(matched(await peer.request(), { a: 10 }));
  await stream.answers.take();
  return { ...parts, ...stream, peer };
}

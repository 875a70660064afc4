/** `for await` over a stream: everything of a log, the newest of a state. */

import { describe, expect, test } from "vitest";
import type { StreamEvent } from "./item-buffer.ts";
import { ItemIterator, StreamError } from "./iterate.ts";
import { TICKERS, ticker, tickerSnapshot } from "./testing/items.ts";
import { matched, setUp, WILDCARD, wildcardTrade } from "./testing/stream-connection.ts";

const placeOf = ({ item, dropped }: StreamEvent) => [item.instrument.slice(6, 9), item.seq, dropped];

async function take(iterator: AsyncIterator<StreamEvent, undefined>, count: number): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  while (events.length < count) {
    const { value } = await iterator.next();
    if (value === undefined) throw new Error("it has ended");
    events.push(value);
  }
  return events;
}

describe("trades", () => {
  test("a loop that is too slow: paused, resumed behind what it was given, nothing lost and nothing twice", async () => {
    const { feed, client } = await setUp();
    const loop = client.iterate(WILDCARD, { buffer: 3 });
    const peer = await feed.peer();
    peer.send(matched(await peer.request(), { a: 10 }));
    const log = [11, 12, 13, 14, 15].map((seq) => wildcardTrade("BTC", seq - 1, seq));
    peer.send({ op: "data", data: log, positions: { a: 15 } });
    await peer.frames.take(({ op }) => op === "unsubscribe");
    expect((await take(loop, 2)).map(placeOf)).toEqual([
      ["BTC", 11, 0],
      ["BTC", 12, 0],
    ]);
    await peer.settled();
    expect(peer.frames.left).toEqual([]);
    await take(loop, 1);
    const request = await peer.request();
    // The positions that came with what was not taken do not count.
    expect(request).toMatchObject({ streams: [WILDCARD], from: { a: 10 } });
    peer.send(matched(request, { a: 10 }, { a: true }));
    peer.send({ op: "data", data: log, positions: { a: 15 } });
    expect((await take(loop, 2)).map(placeOf)).toEqual([
      ["BTC", 14, 0],
      ["BTC", 15, 0],
    ]);
  });

  test("where the server does not reach back so far, the next item says so", async () => {
    const { feed, client } = await setUp();
    const loop = client.iterate(WILDCARD, { from: { positions: { a: 5 } } });
    const peer = await feed.peer();
    peer.send(matched(await peer.request(), { a: 90 }, { a: "too_old" }));
    peer.send({ op: "data", data: [wildcardTrade("BTC", 90, 91), wildcardTrade("BTC", 91, 92)] });
    expect((await take(loop, 2)).map(({ missed }) => missed)).toEqual(["too_old", undefined]);
  });
});

test("tickers: the older values of the same stream are given up, and counted", async () => {
  const { feed, client } = await setUp();
  const loop = client.iterate("upbit:*-KRW@ticker@100ms", { buffer: 3 });
  const peer = await feed.peer();
  peer.send(matched(await peer.request(), {}));
  const eth = { instrument: "upbit:ETH-KRW", stream: "upbit:ETH-KRW@ticker@100ms" };
  peer.data({ ...tickerSnapshot(4), ...eth }, tickerSnapshot(5), ticker(5, 6), ticker(6, 7), ticker(7, 8));
  await peer.settled();
  expect((await take(loop, 3)).map(placeOf)).toEqual([
    ["ETH", 4, 2],
    ["BTC", 7, 0],
    ["BTC", 8, 0],
  ]);
  expect(peer.frames.left).toEqual([]);
});

describe("it ends", () => {
  test("when the loop is left: unsubscribed", async () => {
    const { feed, client } = await setUp();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { item } of client.iterate(WILDCARD)) {
        seen.push(item.seq);
        break;
      }
    })();
    const peer = await feed.peer();
    peer.send(matched(await peer.request(), { a: 10 }));
    peer.data(wildcardTrade("BTC", 10, 11), wildcardTrade("BTC", 11, 12));
    await reading;
    expect((await peer.closed).code).toBe(1000);
    expect(seen).toEqual([11]);
  });

  test("when the client is closed, and when a newer subscription takes its place", async () => {
    const { client } = await setUp();
    const [closed, replaced] = [client.iterate(WILDCARD), client.iterate(TICKERS)];
    const [end, error] = [closed.next(), replaced.next()];
    client.subscribe(TICKERS, { onItem: () => undefined });
    await expect(error).rejects.toMatchObject({ name: "StreamError", code: "replaced" });
    client.close();
    expect(await end).toEqual({ done: true, value: undefined });
  });

  test("when the server refuses the stream: with its error, behind what has come", async () => {
    const { feed, client } = await setUp();
    const loop = client.iterate(WILDCARD);
    const peer = await feed.peer();
    peer.send(matched(await peer.request(), { a: 10 }));
    peer.data(wildcardTrade("BTC", 10, 11));
    peer.send({ op: "error", code: "unauthorized", message: "not you", retryable: false });
    peer.socket.close(4201);
    await peer.closed;
    expect((await take(loop, 1)).map(placeOf)).toEqual([["BTC", 11, 0]]);
    await expect(loop.next()).rejects.toThrow(new StreamError({ code: "unauthorized", message: "not you" }));
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect(loop).toBeInstanceOf(ItemIterator);
  });
});

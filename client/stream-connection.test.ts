/** A connection of many streams: subscribed, resumed, and checked item by item. */

import { describe, expect, test } from "vitest";
import type { DataItem } from "../protocol/frames.ts";
import type { Inbox } from "./testing/inbox.ts";
import { TICKERS, TRADES, ticker, tickerSnapshot, trade, tradeSnapshot } from "./testing/items.ts";
import { flowing, matched, setUp, WILDCARD, wildcardTrade } from "./testing/stream-connection.ts";

const restarting = { code: "restarting", message: "catching up", retryable: true };
const unknown = { code: "unknown_instrument", message: "there is none", retryable: false };
const placesOf = (items: Inbox<DataItem>) =>
  items.left.map(({ instrument, seq }) => `${instrument.slice(6, 9)} ${seq}`);

describe("resuming", () => {
  test("by the positions told last, whatever single streams have had since", async () => {
    const { feed, peer, items, answers, handle } = await flowing();
    peer.send({ op: "data", data: [wildcardTrade("BTC", 0, 12)], positions: { a: 12, b: 3 } });
    peer.send({ op: "data", data: [wildcardTrade("ETH", 9, 14)] });
    await peer.settled();
    expect(handle.positions).toEqual({ a: 12, b: 3 });
    peer.socket.close(4001);
    const second = await feed.peer();
    const request = await second.request();
    expect(request).toMatchObject({ streams: [WILDCARD], from: { a: 12, b: 3 } });
    second.send(matched(request, { a: 12, b: 3 }, { a: true, b: true }));
    // What was sent behind the last positions comes again, an item even from before them.
    second.send({ op: "data", data: [wildcardTrade("ETH", 9, 14), wildcardTrade("BTC", 12, 15)] });
    await second.settled();
    expect(placesOf(items)).toEqual(["BTC 12", "ETH 14", "BTC 15"]);
    expect(await answers.take()).toMatchObject({ stream: WILDCARD, matches: 2, recovered: true });
  });

  test("from positions that the caller has kept, and drops what an item has from before them", async () => {
    const { feed, subscribe } = await setUp();
    const { items } = subscribe(WILDCARD, { positions: { a: 12 } });
    const peer = await feed.peer();
    const request = await peer.request();
    expect(request).toMatchObject({ streams: [WILDCARD], from: { a: 12 } });
    peer.send(matched(request, { a: 12 }, { a: true }));
    const trades = [11, 13].flatMap((seq) => wildcardTrade("BTC", 0, seq).trades ?? []);
    peer.send({ op: "data", data: [{ ...wildcardTrade("BTC", 9, 13), n: 2, trades }] });
    expect(await items.take()).toEqual(wildcardTrade("BTC", 11, 13));
  });

  test("from a stream's own position while only that is known", async () => {
    const { feed, subscribe } = await setUp();
    const { items } = subscribe(TRADES, { epoch: "a", seq: 5 });
    const peer = await feed.peer();
    const request = await peer.request();
    expect(request.streams).toEqual([{ stream: TRADES, epoch: "a", seq: 5 }]);
    const [requested, stream] = [TRADES, TRADES];
    const streams = [{ requested, stream, epoch: "a", seq: 5, recovered: true }];
    peer.send({ op: "subscribed", id: request.id, streams, failed: [], positions: { a: 5 } });
    peer.send({ op: "data", data: [trade(5, 7)], positions: { a: 9 } });
    await items.take();
    await peer.settled();
    peer.socket.terminate();
    expect(await (await feed.peer()).request()).toMatchObject({ streams: [TRADES], from: { a: 9 } });
  });

  test("a later subscription may lower what is told; the others keep what they have", async () => {
    const { feed, peer, subscribe, handle } = await flowing();
    peer.send({ op: "data", data: [], positions: { a: 20 } });
    subscribe("*:BTC-*@trade@raw", { positions: { a: 4 } });
    peer.send(matched(await peer.request(), { a: 4 }, { a: true }));
    await peer.settled();
    expect(handle.positions).toEqual({ a: 20 });
    peer.socket.terminate();
    const second = await feed.peer();
    const requests = [await second.request(), await second.request()];
    expect(requests).toMatchObject([{ from: { a: 20 } }, { from: { a: 4 } }]);
  });

  test("says what could not be resumed, and whether another log has taken its place", async () => {
    const { feed, peer, answers } = await flowing();
    peer.socket.terminate();
    const second = await feed.peer();
    second.send(matched(await second.request(), { a: 90 }, { a: "too_old" }));
    expect(await answers.take()).toMatchObject({ recovered: false, reason: "too_old" });
    second.socket.terminate();
    const third = await feed.peer();
    third.send(matched(await third.request(), { b: 1 }));
    expect(await answers.take()).toMatchObject({ recovered: false, reason: "epoch_changed" });
  });

  test("a ticker is not delivered again; a state that has moved on is", async () => {
    const { feed, subscribe } = await setUp();
    const { items } = subscribe(TICKERS);
    for (const data of [[tickerSnapshot(5), ticker(5, 6)], [tickerSnapshot(6), ticker(6, 7)], [tickerSnapshot(9)]]) {
      const peer = await feed.peer();
      const { id } = await peer.request();
      peer.send({
        op: "subscribed",
        id,
        streams: [{ requested: TICKERS, stream: TICKERS, epoch: "a", seq: 1 }],
        failed: [],
      });
      peer.data(...data);
      await peer.settled();
      peer.socket.terminate();
    }
    expect(placesOf(items)).toEqual(["BTC 5", "BTC 6", "BTC 7", "BTC 9"]);
  });
});

describe("`prev`", () => {
  test("names the item before it that the subscription had, as long as nothing is missed", async () => {
    const { feed, peer, items } = await flowing();
    peer.send({ op: "data", data: [wildcardTrade("BTC", 7, 12), wildcardTrade("BTC", 3, 14)], positions: { a: 20 } });
    peer.send({ op: "data", data: [wildcardTrade("BTC", 20, 21)] });
    await peer.settled();
    expect(items.left.map(({ prev }) => prev)).toEqual([7, 12, 14]);
    peer.socket.terminate();
    const second = await feed.peer();
    second.send(matched(await second.request(), { a: 90 }, { a: "too_old" }));
    second.send({ op: "data", data: [wildcardTrade("BTC", 88, 91), wildcardTrade("BTC", 80, 92)] });
    await second.settled();
    expect(items.left.map(({ prev }) => prev).slice(3)).toEqual([88, 91]);
  });

  test("of a named stream begins with its snapshot, though the position told is higher", async () => {
    const { feed, subscribe } = await setUp();
    const { items } = subscribe(TRADES);
    const peer = await feed.peer();
    const { id } = await peer.request();
    const streams = [{ requested: TRADES, stream: TRADES, epoch: "a", seq: 5 }];
    peer.send({ op: "subscribed", id, streams, failed: [], positions: { a: 9 } });
    peer.send({ op: "data", data: [tradeSnapshot(5), trade(9, 11)] });
    await peer.settled();
    expect(items.left.map(({ prev, seq }) => [prev, seq])).toEqual([
      [0, 5],
      [5, 11],
    ]);
  });
});

describe("something is missing", () => {
  test("reconnects and resumes, says so, and delivers nothing behind the hole", async () => {
    const { feed, peer, items, errors } = await flowing();
    peer.send({ op: "data", data: [wildcardTrade("BTC", 9, 12)], positions: { a: 13 } });
    const behind = [wildcardTrade("BTC", 14, 15), wildcardTrade("ETH", 8, 16)];
    peer.send({ op: "data", data: behind, positions: { a: 20 } });
    expect(await errors.take()).toMatchObject({ code: "missing_items", retryable: true });
    expect((await peer.closed).code).toBe(4000);
    const second = await feed.peer();
    expect(await second.request()).toMatchObject({ from: { a: 13 } });
    expect(placesOf(items)).toEqual(["BTC 12"]);
  });

  test("a snapshot for one subscription hides no hole from another", async () => {
    const { peer, items, subscribe, errors } = await flowing();
    const named = subscribe("upbit:BTC-KRW@trade@1s");
    const { id, streams } = await peer.request();
    const answers = streams.map((stream) => ({ requested: stream, stream, epoch: "a", seq: 14 }));
    peer.send({ op: "subscribed", id, streams: answers, failed: [], positions: { a: 10 } });
    const snapshot = { ...tradeSnapshot(14), stream: "upbit:BTC-KRW@trade@1s" };
    peer.send({ op: "data", data: [snapshot, wildcardTrade("BTC", 14, 15)] });
    expect(await errors.take()).toMatchObject({ code: "missing_items" });
    expect([placesOf(items), placesOf(named.items)]).toEqual([[], ["BTC 14"]]);
  });

  test("... nor in a new log of which a wildcard has had nothing yet", async () => {
    const { peer, items } = await flowing();
    peer.send({ op: "data", data: [], positions: { b: 1 } });
    const snapshot = { ...tradeSnapshot(20, { epoch: "b" }), stream: "upbit:BTC-KRW@trade@1s" };
    peer.send({ op: "data", data: [snapshot, wildcardTrade("BTC", 1, 15, "b"), wildcardTrade("BTC", 15, 20, "b")] });
    await peer.settled();
    expect(placesOf(items)).toEqual(["BTC 15", "BTC 20"]);
  });

  test("what can't be read at all may have been an item: the next positions do not vouch for it", async () => {
    for (const strange of ["{oops", { op: "data", data: [5, 6] }, { op: "data", data: [], positions: 7 }]) {
      const { feed, peer, errors } = await flowing();
      peer.send(strange, { op: "data", data: [], positions: { a: 20 } });
      expect(await errors.take()).toMatchObject({ code: "bad_frame", retryable: true });
      expect(await (await feed.peer()).request()).toMatchObject({ from: { a: 10 } });
      expect(errors.left).toEqual([]);
    }
  });

  test("an item of which only the place can be read is skipped and reported", async () => {
    const { peer, items, errors } = await flowing();
    const data = [
      wildcardTrade("BTC", 9, 12),
      { ...wildcardTrade("BTC", 12, 13), n: -1 },
      wildcardTrade("BTC", 13, 14),
    ];
    peer.send({ op: "data", data });
    await peer.settled();
    expect(placesOf(items)).toEqual(["BTC 12", "BTC 14"]);
    expect(errors.left).toMatchObject([
      { code: "bad_frame", message: expect.stringContaining("item 13 of upbit:BTC-KRW") },
    ]);
  });
});

describe("subscribing", () => {
  test("overlapping subscriptions both get an item, though it comes once", async () => {
    const { peer, items, subscribe } = await flowing();
    const btc = subscribe("upbit:BTC-*@trade");
    peer.send(matched(await peer.request(), { a: 10 }));
    peer.send({ op: "data", data: [wildcardTrade("BTC", 10, 12), wildcardTrade("ETH", 10, 13)] });
    await peer.settled();
    expect([placesOf(items), placesOf(btc.items)]).toEqual([["BTC 12", "ETH 13"], ["BTC 12"]]);
  });

  test("many one after the other are asked for in few messages", async () => {
    const { peer, subscribe } = await flowing();
    for (let i = 0; i < 50; i++) {
      subscribe(`upbit:C${i}-KRW@ticker`);
      await Promise.resolve();
    }
    await peer.frames.take((frame) => frame.op === "subscribe" && frame.streams.length === 50);
  });

  test("what fails for now is asked for again from where it was, what fails for good ends", async () => {
    const { feed, subscribe } = await setUp();
    const [later, never] = [subscribe(WILDCARD, { positions: { a: 3 } }), subscribe("upbit:NOPE-KRW@trade")];
    const peer = await feed.peer();
    const first = await peer.request();
    const second = await peer.request();
    const failed = (requested: string, error: object) => ({ streams: [], failed: [{ requested, error }] });
    peer.send({ op: "subscribed", id: first.id, ...failed(WILDCARD, restarting) });
    peer.send({ op: "subscribed", id: second.id, ...failed("upbit:NOPE-KRW@trade@100ms", unknown) });
    expect([await later.failures.take(), await never.failures.take()]).toEqual([restarting, unknown]);
    expect(await peer.request()).toMatchObject({ streams: [WILDCARD], from: { a: 3 } });
    expect([later.handle.state, never.handle.state]).toEqual(["subscribing", "unsubscribed"]);
  });

  test("instruments that end: a wildcard goes on without them, a stream by name is over", async () => {
    const { peer, ended, handle, subscribe } = await flowing();
    const [btc, eth] = [subscribe(TRADES), subscribe("upbit:ETH-KRW@trade")];
    await peer.request();
    peer.send({ op: "ended", instruments: ["upbit:BTC-KRW", "upbit:BTC-USDT"], error: unknown });
    expect(await ended.take()).toEqual(["upbit:BTC-KRW"]);
    expect(await btc.failures.take()).toEqual(unknown);
    expect([handle.state, btc.handle.state, eth.handle.state]).toEqual(["subscribed", "unsubscribed", "subscribing"]);
  });

  test.each([4200, 4204])("after %i none is asked for again, and each is told why", async (code) => {
    const { feed, peer, failures, handle } = await flowing();
    peer.send({ op: "error", ...unknown });
    peer.socket.close(code);
    expect(await failures.take()).toEqual(unknown);
    expect([handle.state, feed.all.length]).toEqual(["unsubscribed", 1]);
  });

  test("paused: nothing comes, and it goes on behind what was delivered", async () => {
    const { peer, items, handle } = await flowing();
    peer.send({ op: "data", data: [wildcardTrade("BTC", 9, 12)], positions: { a: 12 } });
    await items.take();
    handle.pause();
    peer.send({ op: "data", data: [wildcardTrade("BTC", 12, 13)], positions: { a: 13 } });
    await peer.frames.take(({ op }) => op === "unsubscribe");
    expect([handle.state, handle.positions]).toEqual(["paused", { a: 12 }]);
    handle.resume();
    const request = await peer.request();
    expect(request).toMatchObject({ from: { a: 12 } });
    peer.send(matched(request, { a: 12 }, { a: true }));
    peer.send({ op: "data", data: [wildcardTrade("BTC", 12, 13)] });
    expect((await items.take()).seq).toBe(13);
  });
});

/** Its streams: subscribed, refused, and checked item by item. */

import { describe, expect, test } from "vitest";
import type { DataItem } from "../protocol/frames.ts";
import { at, flowing, nextRequest, restarting, seqs, setUp, unknown } from "./testing/feed-connection.ts";
import { Inbox } from "./testing/inbox.ts";
import { TICKERS, TRADES, trade, tradeSnapshot } from "./testing/items.ts";

describe("subscribing", () => {
  test("on open, everything in one request, with the positions named", async () => {
    const { feed, subscribe } = await setUp();
    subscribe(TRADES, { epoch: "a", seq: 7 });
    const { handle } = subscribe(TICKERS);
    const [peer, request] = await nextRequest(feed);
    expect(request.streams).toEqual([at(7), TICKERS]);
    await peer.settled();
    expect(peer.texts.length).toBe(2);
    expect(handle.state).toBe("subscribing");
  });

  test("from within onOpen asks once for each stream", async () => {
    const open = new Inbox<string>();
    const { feed, subscribe, connection } = await setUp({
      onOpen: () => {
        connection.subscribe(TICKERS, { onItem: () => undefined });
        open.put("open");
      },
    });
    subscribe();
    await open.take();
    const peer = await feed.peer();
    await peer.settled();
    const asked = peer.frames.left.flatMap((frame) => (frame.op === "subscribe" ? frame.streams : []));
    expect(asked).toEqual([TRADES, TICKERS]);
  });

  test("delivers what comes, and says where it is", async () => {
    const { peer, items, answers, handle } = await flowing();
    expect(await answers.take()).toEqual({ requested: TRADES, stream: TRADES, epoch: "a", seq: 5 });
    expect(handle.state).toBe("subscribed");
    peer.data(trade(5, 6), trade(6, 9));
    await peer.settled();
    expect(seqs(items)).toEqual([6, 9]);
    expect(handle.position).toEqual({ epoch: "a", seq: 9 });
  });

  test("again to the same stream replaces: only the newer hears, from its own answer on", async () => {
    const { peer, items, subscribe, handle } = await flowing();
    const newer = subscribe(TRADES, { epoch: "a", seq: 3 });
    expect(handle.state).toBe("unsubscribed");
    peer.data(trade(5, 6));
    const request = await peer.request();
    expect(request.streams).toEqual([at(3)]);
    peer.answer(request, { epoch: "a", seq: 3, recovered: true });
    peer.data(trade(3, 5), trade(5, 6));
    await peer.settled();
    expect(seqs(items)).toEqual([]);
    expect(seqs(newer.items)).toEqual([5, 6]);
  });

  test("the answer to an older request does not count", async () => {
    const { feed, subscribe } = await setUp();
    const older = subscribe(TRADES);
    const [peer, first] = await nextRequest(feed);
    const newer = subscribe(TRADES, { epoch: "a", seq: 3 });
    peer.answer(first, { epoch: "a", seq: 9 });
    peer.data(tradeSnapshot(9), trade(9, 10));
    peer.answer(await peer.request(), { epoch: "a", seq: 3, recovered: true });
    peer.data(trade(3, 9), trade(9, 10));
    await peer.settled();
    expect(seqs(newer.items)).toEqual([9, 10]);
    expect([seqs(older.items), older.answers.left]).toEqual([[], []]);
  });

  test("unsubscribe: nothing comes any more, the position stays, an answer that was on its way is undone", async () => {
    const { peer, items, handle, connection, subscribe } = await flowing();
    connection.unsubscribe(handle);
    peer.data(trade(5, 6));
    expect(await peer.frames.take(({ op }) => op === "unsubscribe")).toEqual({ op: "unsubscribe", streams: [TRADES] });
    await peer.settled();
    expect([seqs(items), handle.state, handle.position]).toEqual([[], "unsubscribed", { epoch: "a", seq: 5 }]);

    connection.unsubscribe(subscribe().handle);
    const late = await peer.request();
    await peer.frames.take(({ op }) => op === "unsubscribe");
    peer.answer(late, { epoch: "a", seq: 5 });
    expect(await peer.frames.take(({ op }) => op === "unsubscribe")).toMatchObject({ streams: [TRADES] });
  });

  test("paused: nothing comes, nor after a reconnect, until it goes on behind the last item", async () => {
    const { feed, peer, items, handle, connection } = await flowing();
    connection.pause(handle);
    peer.data(trade(5, 6));
    await peer.frames.take(({ op }) => op === "unsubscribe");
    peer.socket.terminate();
    const second = await feed.peer();
    await second.settled();
    expect([second.frames.left, seqs(items), handle.state]).toEqual([[], [], "paused"]);
    connection.resume(handle);
    const request = await second.request();
    expect(request.streams).toEqual([at(5)]);
    second.answer(request, { epoch: "a", seq: 5, recovered: true });
    second.data(trade(5, 6));
    expect((await items.take()).seq).toBe(6);
  });

  test("whoever is replaced is told", async () => {
    const { connection } = await setUp();
    const replaced = new Inbox<string>();
    connection.subscribe(TRADES, { onItem: () => undefined, onReplaced: () => replaced.put("replaced") });
    connection.subscribe(TRADES, { onItem: () => undefined });
    expect(await replaced.take()).toBe("replaced");
  });

  test("a handle that was replaced can't end the newer subscription", async () => {
    const { peer, handle, connection, subscribe } = await flowing();
    const newer = subscribe();
    connection.unsubscribe(handle);
    await peer.settled();
    expect(peer.frames.left.map(({ op }) => op)).toEqual(["subscribe"]);
    expect(newer.handle.state).toBe("subscribing");
  });
});

describe("refused", () => {
  test("an error that is not retryable is reported, and the stream is forgotten", async () => {
    const unused = new Inbox<string>();
    const { feed, closes, subscribe } = await setUp({ onUnused: () => unused.put("unused") });
    const bad = subscribe(TRADES);
    const [peer, request] = await nextRequest(feed);
    peer.refuse(request, unknown);
    expect(await bad.failures.take()).toEqual(unknown);
    expect(bad.handle.state).toBe("unsubscribed");
    await unused.take();
    peer.socket.terminate();
    await closes.take();
    const again = await feed.peer();
    await again.settled();
    expect(again.frames.left).toEqual([]);
  });

  test("what is retryable is asked for again from the same position", async () => {
    const { feed, subscribe } = await setUp();
    const { failures, items } = subscribe(TRADES, { epoch: "a", seq: 7 });
    const [peer, request] = await nextRequest(feed);
    peer.refuse(request, restarting);
    expect(await failures.take()).toEqual(restarting);
    peer.data(trade(7, 8));
    const second = await peer.request();
    expect(second.streams).toEqual([at(7)]);
    peer.answer(second, { epoch: "a", seq: 7, recovered: true });
    peer.data(trade(7, 8));
    expect((await items.take()).seq).toBe(8);
    expect(items.left).toEqual([]);
  });

  test("... but not after it was unsubscribed, nor twice after a reconnect", async () => {
    const { feed, subscribe, connection } = await setUp();
    const trades = subscribe(TRADES);
    const tickers = subscribe(TICKERS);
    const [first, request] = await nextRequest(feed);
    const failed = [TRADES, TICKERS].map((requested) => ({ requested, error: restarting }));
    first.send({ op: "subscribed", id: request.id, streams: [], failed });
    await tickers.failures.take();
    connection.unsubscribe(trades.handle);
    first.socket.terminate();
    const [second, again] = await nextRequest(feed);
    expect(again.streams).toEqual([TICKERS]);
    second.refuse(again, restarting);
    expect((await second.request()).streams).toEqual([TICKERS]);
    await second.settled();
    expect(second.frames.left).toEqual([]);
  });

  test("an error with the id of a request answers it", async () => {
    const { feed, subscribe, errors } = await setUp();
    const { failures } = subscribe();
    const [peer, { id }] = await nextRequest(feed);
    peer.send({ op: "error", id, code: "bad_request", message: "no", retryable: false });
    expect(await failures.take()).toEqual({ code: "bad_request", message: "no", retryable: false });
    expect(errors.left).toEqual([]);
  });
});

describe("something is missing", () => {
  test("asks again, once until answered, and passes over what comes before the answer", async () => {
    const { peer, items } = await flowing();
    peer.data(trade(5, 6), trade(7, 8), trade(8, 9));
    peer.data(trade(9, 10), trade(12, 13));
    const request = await peer.request();
    expect(request.streams).toEqual([at(6)]);
    await peer.settled();
    expect(peer.frames.left).toEqual([]);
    peer.answer(request, { epoch: "a", seq: 6, recovered: true });
    peer.data(trade(6, 7), trade(7, 8), trade(8, 9), trade(9, 13));
    await peer.settled();
    expect(seqs(items)).toEqual([6, 7, 8, 9, 13]);
  });

  test("what comes again is not delivered again", async () => {
    const { peer, items } = await flowing();
    peer.data(trade(5, 6), trade(5, 6), trade(6, 7), tradeSnapshot(7), trade(5, 6), trade(7, 8));
    await peer.settled();
    expect(seqs(items)).toEqual([6, 7, 8]);
  });

  test("a server that can't mend it is asked again with pauses", async () => {
    const { peer, items } = await flowing();
    peer.data(trade(6, 7));
    peer.answer(await peer.request(), { epoch: "a", seq: 5, recovered: true });
    peer.data(trade(6, 7));
    await peer.settled();
    expect(peer.frames.left).toEqual([]);
    peer.answer(await peer.request(), { epoch: "a", seq: 5, recovered: true });
    peer.data(trade(5, 6));
    expect((await items.take()).seq).toBe(6);
  });

  test("another epoch begins with a snapshot, or is asked for", async () => {
    const { peer, items } = await flowing();
    peer.data(tradeSnapshot(2, { epoch: "b", trades: [] }), trade(2, 3, { epoch: "b" }), trade(8, 9, { epoch: "c" }));
    const request = await peer.request();
    expect(request.streams).toEqual([at(3, "b")]);
    peer.answer(request, { epoch: "c", seq: 9, recovered: false, reason: "epoch_changed" });
    peer.data(tradeSnapshot(9, { epoch: "c" }), trade(9, 10, { epoch: "c" }));
    await peer.settled();
    expect(seqs(items)).toEqual([2, 3, 9, 10]);
  });
});

describe("what the server says", () => {
  test("unknown ops and fields are ignored, malformed frames are reported and cost nothing", async () => {
    const { peer, items, errors } = await flowing();
    peer.send({ op: "candles", of: "the future" }, "{oops", "[]", { op: "data" });
    peer.data({ ...trade(5, 6), colour: "red" } as DataItem);
    await peer.settled();
    expect(seqs(items)).toEqual([6]);
    expect(errors.left.map(({ code }) => code)).toEqual(["bad_frame", "bad_frame", "bad_frame"]);
  });

  test("an item that can't be read is reported, and the stream goes on", async () => {
    const { peer, items, errors } = await flowing();
    peer.data(trade(5, 6), { ...trade(6, 7), n: -1 }, trade(7, 8));
    await peer.settled();
    expect(seqs(items)).toEqual([6, 8]);
    expect(errors.left.map(({ message }) => message)).toEqual([expect.stringContaining(`item 7 of ${TRADES}`)]);
    expect(peer.frames.left).toEqual([]);
  });

  test("status and errors are passed on", async () => {
    const statuses = new Inbox<{ state: string }>();
    const { peer, errors } = await flowing({ onStatus: statuses.put });
    peer.send({ op: "status", exchange: "upbit", state: "stale", source: "live", since: 1, asOf: null });
    peer.send({ op: "error", code: "rate_limited", message: "slow down", retryable: true });
    expect(await statuses.take()).toMatchObject({ state: "stale", asOf: null });
    expect(await errors.take()).toEqual({ code: "rate_limited", message: "slow down", retryable: true });
  });
});

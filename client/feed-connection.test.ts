import { describe, expect, onTestFinished, test } from "vitest";
import type { DataItem, SubscribedStream, WantedStream } from "../protocol/frames.ts";
import type { Position } from "../protocol/position.ts";
import { FeedConnection, type FeedConnectionOptions } from "./feed-connection.ts";
import type { ClientError, StreamHandlers } from "./handlers.ts";
import { dialNode } from "./node-socket.ts";
import { type FakeFeed, fakeFeed, type Peer } from "./testing/fake-feed.ts";
import { Inbox } from "./testing/inbox.ts";
import { TICKERS, TRADES, ticker, tickerSnapshot, trade, tradeSnapshot } from "./testing/items.ts";

type Close = { code: number; reason: string; retryIn: number | null };

const at = (seq: number, epoch = "a") => ({ stream: TRADES, epoch, seq });
const restarting = { code: "restarting", message: "catching up", retryable: true };
const unknown = { code: "unknown_stream", message: "there is none", retryable: false };

/** A connection to a feed played by the test, and the callbacks it made. */
async function setUp(options: Partial<FeedConnectionOptions> = {}) {
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
async function flowing(options?: Partial<FeedConnectionOptions>) {
  const parts = await setUp(options);
  const stream = parts.subscribe();
  const peer = await parts.feed.peer();
  peer.answer(await peer.request(), { epoch: "a", seq: 5 });
  peer.data(tradeSnapshot(5));
  expect(await stream.items.take()).toEqual(tradeSnapshot(5));
  return { ...parts, ...stream, peer };
}

async function nextRequest(feed: FakeFeed): Promise<[Peer, Awaited<ReturnType<Peer["request"]>>]> {
  const peer = await feed.peer();
  return [peer, await peer.request()];
}

const seqs = (items: Inbox<DataItem>) => items.left.map(({ seq }) => seq);

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

describe("reconnecting", () => {
  test("resumes every stream from its last item, and reports the outcome", async () => {
    const { feed, peer, items, answers, subscribe, handle } = await flowing();
    const tickers = subscribe(TICKERS);
    peer.answer(await peer.request(), { epoch: "a", seq: 4 });
    peer.data(tickerSnapshot(4));
    await tickers.items.take();
    peer.socket.terminate();
    const [second, request] = await nextRequest(feed);
    expect(request.streams).toEqual([at(5), { stream: TICKERS, epoch: "a", seq: 4 }]);
    expect(handle.state).toBe("subscribing");
    second.send({
      op: "subscribed",
      id: request.id,
      streams: [
        { requested: TRADES, stream: TRADES, epoch: "a", seq: 5, recovered: true },
        { requested: TICKERS, stream: TICKERS, epoch: "a", seq: 4, recovered: true },
      ],
      failed: [],
    });
    second.data(trade(5, 8), tickerSnapshot(4), ticker(4, 9));
    await second.settled();
    expect(answers.left.map(({ recovered }) => recovered)).toEqual([undefined, true]);
    expect([seqs(items), seqs(tickers.items)]).toEqual([[8], [9]]);
  });

  test("what is not available any more is said, and the stream begins anew", async () => {
    const { feed, peer, items, answers } = await flowing();
    await answers.take();
    peer.socket.close(4000);
    const [second, request] = await nextRequest(feed);
    second.answer(request, { epoch: "a", seq: 80, recovered: false, reason: "too_old" });
    second.data(tradeSnapshot(80), trade(80, 81));
    expect(await answers.take()).toMatchObject({ recovered: false, reason: "too_old" });
    await second.settled();
    expect(seqs(items)).toEqual([80, 81]);
  });

  test.each([4000, 4001, 4099, 4100, 4101, 4199, 1001, 1011])("after %i", async (code) => {
    const { feed, peer, closes } = await flowing();
    peer.socket.close(code, "why");
    const { retryIn, ...event } = await closes.take();
    expect(event).toEqual({ code, reason: "why" });
    expect(retryIn).toBeLessThanOrEqual(20);
    expect((await nextRequest(feed))[1].streams).toEqual([at(5)]);
  });

  test.each([4200, 4204, 4299])("not after %i: every stream gets the reason", async (code) => {
    const unused = new Inbox<string>();
    const { peer, closes, failures, handle, feed } = await flowing({ onUnused: () => unused.put("unused") });
    peer.send({ op: "error", ...unknown });
    peer.socket.close(code, "gone");
    expect(await closes.take()).toEqual({ code, reason: "gone", retryIn: null });
    expect(await failures.take()).toEqual(unknown);
    await unused.take();
    expect([handle.state, feed.all.length]).toEqual(["unsubscribed", 1]);
  });

  test("a server that is away is dialled until it is there", async () => {
    const gone = await fakeFeed();
    await gone.stop();
    const closes = new Inbox<Close>();
    const url = gone.url.replace("http", "ws");
    const connection = new FeedConnection({ url, dial: dialNode, maxPause: 20, onClose: closes.put });
    onTestFinished(() => connection.close());
    connection.subscribe(TRADES, { onItem: () => undefined });
    expect(await closes.take()).toMatchObject({ code: 1006 });
    await closes.take();
    const feed = await fakeFeed(Number(new URL(gone.url).port));
    expect((await nextRequest(feed))[1].streams).toEqual([TRADES]);
  });

  test("when asked to, within the time, and only that socket", async () => {
    const { feed, peer, closes } = await flowing();
    peer.send({ op: "reconnect", within: 50, reason: "deploy" }, { op: "reconnect", within: 50, reason: "deploy" });
    expect(await closes.take()).toEqual({ code: 4000, reason: "asked to", retryIn: 0 });
    const [second, request] = await nextRequest(feed);
    expect(request.streams).toEqual([at(5)]);
    expect((await peer.closed).code).toBe(4000);
    peer.send("late");
    await second.settled();
    expect([closes.left, feed.all.length]).toEqual([[], 2]);
  });
});

describe("a silent server", () => {
  test("is pinged with exactly the text of the protocol", async () => {
    const { peer } = await flowing({ pingEvery: 20 });
    await peer.frames.take(({ op }) => op === "ping");
    expect(peer.texts.at(-1)).toBe('{"op":"ping"}');
  });

  test("is abandoned after two unanswered pings, even if it does not answer the close", async () => {
    const { peer, closes, feed } = await flowing({ pingEvery: 20 });
    peer.socket.pause();
    expect(await closes.take()).toMatchObject({ code: 4000, reason: "no pong" });
    expect((await nextRequest(feed))[1].streams).toEqual([at(5)]);
  });

  test("one that says anything is alive", async () => {
    const { peer, closes } = await flowing({ pingEvery: 10 });
    for (let i = 0; i < 10; i++) {
      await peer.frames.take(({ op }) => op === "ping");
      peer.send({ op: "pong" });
    }
    expect(closes.left).toEqual([]);
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

describe("closing", () => {
  test("nothing comes after it, and the server gets an unsubscribe", async () => {
    const { peer, items, connection, closes, handle } = await flowing();
    connection.close();
    peer.data(trade(5, 6));
    expect(await peer.closed).toEqual({ code: 1000, reason: "client closes" });
    expect([seqs(items), closes.left, handle.state]).toEqual([[], [], "unsubscribed"]);
  });

  test("from within an item: the rest of the frame is not delivered", async () => {
    const feed = await fakeFeed();
    const connection = new FeedConnection({ url: feed.url.replace("http", "ws"), dial: dialNode });
    const got: number[] = [];
    connection.subscribe(TRADES, {
      onItem: ({ seq }) => {
        got.push(seq);
        connection.close();
      },
    });
    const [peer, request] = await nextRequest(feed);
    peer.answer(request, { epoch: "a", seq: 5 });
    peer.data(trade(5, 6), trade(6, 7));
    await peer.closed;
    expect(got).toEqual([6]);
  });

  test("while dialling, and between two sockets", async () => {
    const { feed, connection } = await setUp();
    connection.close();
    const { peer, connection: waiting, closes } = await flowing({ maxPause: 1_000_000 });
    peer.socket.close(4100);
    await closes.take();
    waiting.close();
    expect(feed.all.length).toBeLessThanOrEqual(1);
  });
});

test("whatever is lost, repeated or cut off, each item comes once, in order", { timeout: 60_000 }, async () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const { feed, connection, subscribe } = await setUp();
    const random = generator(seed);
    const log = Array.from({ length: 300 }, (_, i) => trade(2 * i, 2 * i + 2));
    let faults = 30;
    const { items } = subscribe(TRADES, { epoch: "a", seq: 0 });
    const serve = async (peer: Peer) => {
      for (;;) {
        const request = await peer.request();
        const from = seqOf(request.streams[0]);
        peer.answer(request, { epoch: "a", seq: from, recovered: true });
        for (const item of log.filter(({ seq }) => seq > from)) {
          const fault = faults > 0 && random() < 0.1 ? Math.floor(random() * 4) : undefined;
          if (fault !== undefined) faults -= 1;
          // The last of all always comes: a loss shows with what follows it.
          if (fault === 0 && item !== log.at(-1)) continue;
          peer.data(item);
          if (fault === 1) peer.data(...log.slice(0, log.indexOf(item) + 1).slice(-5));
          if (fault === 2) peer.socket.terminate();
          if (fault === 3) peer.socket.close(4000);
          if (fault === 2 || fault === 3) return;
        }
      }
    };
    const accept = async () => {
      for (;;) void serve(await feed.peer());
    };
    void accept();
    expect(await takeUntil(items, log.at(-1)?.seq ?? 0)).toEqual(log.map(({ seq }) => seq));
    expect(faults).toBeLessThan(20);
    connection.close();
  }
});

function seqOf(wanted: WantedStream | undefined): number {
  return typeof wanted === "object" && typeof wanted.seq === "number" ? wanted.seq : 0;
}

async function takeUntil(items: Inbox<DataItem>, last: number): Promise<number[]> {
  const got: number[] = [];
  while (got.at(-1) !== last) got.push((await items.take()).seq);
  return got;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

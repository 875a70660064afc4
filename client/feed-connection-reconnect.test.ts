/** Its socket: lost, silent and closed. */

import { describe, expect, onTestFinished, test } from "vitest";
import type { DataItem, WantedStream } from "../protocol/frames.ts";
import { FeedConnection } from "./feed-connection.ts";
import { dialNode } from "./node-socket.ts";
import { fakeFeed, type Peer } from "./testing/fake-feed.ts";
import { at, type Close, flowing, nextRequest, seqs, setUp, unknown } from "./testing/feed-connection.ts";
import { Inbox } from "./testing/inbox.ts";
import { TICKERS, TRADES, ticker, tickerSnapshot, trade, tradeSnapshot } from "./testing/items.ts";

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

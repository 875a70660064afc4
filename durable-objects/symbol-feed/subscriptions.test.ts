import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../protocol/limits.ts";
import { RATES } from "../../protocol/stream.ts";
import { batch, gap, Receiver, ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient } from "../testing/test-socket.ts";

it("answers in the order of the contract: welcome, subscribed, snapshot, status, then data", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([ticker(2), trade(3)]);
  await pusher.stored(3);
  const client = await openClient(
    stub,
    `https://feed/?region=apac&stream=${instrument}@ticker&stream=${instrument}@trade`,
  );
  await pusher.socket.next("cadence");
  pusher.push([]);
  await client.next("status");
  pusher.push([trade(5)]);
  expect(await client.next("welcome")).toMatchObject({ region: "apac", limits: LIMITS });
  const { streams, failed } = await client.next("subscribed");
  expect(failed).toEqual([]);
  const [state, log] = [`${instrument}@ticker@100ms`, `${instrument}@trade@100ms`];
  expect(streams).toEqual([
    { requested: `${instrument}@ticker`, stream: state, epoch: "e1", seq: 2 },
    { requested: `${instrument}@trade`, stream: log, epoch: "e1", seq: 3 },
  ]);
  const { data } = await client.next("data");
  expect(data).toMatchObject([
    { stream: state, instrument, epoch: "e1", prev: 0, seq: 2, snapshot: true, ticker: { price: "1002" } },
    { stream: log, prev: 0, seq: 3, n: 0, snapshot: true, trades: [{ id: "t3" }] },
  ]);
  expect((await client.next("data")).data).toMatchObject([{ stream: log, prev: 3, seq: 5, n: 1 }]);
  expect([...new Set(client.ops.slice(0, -1))]).toEqual(["welcome", "subscribed", "data", "status"]);
});

it("resumes exactly, wherever the client left", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2), trade(3), ticker(4), gap(5), trade(6), ticker(7)]);
  await pusher.stored(7);
  // Someone who listens: the feed need not ask its pusher first.
  await TestListener.open(stub, `${instrument}@ticker`);
  for (const rate of ["raw", "100ms"]) {
    for (const from of [2, 3, 4, 5, 6, 7]) {
      const listener = await TestListener.resume(stub, `${instrument}@trade@${rate}`, "e1", from);
      if (from < 6) await listener.until(6);
      const expected = [2, 3, 6].filter((seq) => seq > from).map((seq) => `e1/${seq}`);
      expect(listener.receiver.trades).toEqual(expected);
      expect(listener.receiver.gaps).toEqual(from < 5 ? ["e1/5"] : []);
      listener.client.ws.close(1000);
    }
  }
});

describe("of a position beyond the feed's newest event", () => {
  const resume = async (stub: DurableObjectStub, stream: string, seq: number) => {
    const client = await openClient(stub, "https://feed/");
    client.send({ op: "subscribe", streams: [{ stream, epoch: "e1", seq }] });
    return client;
  };

  it("resumes with nothing to send where the feed is complete so far, and goes on from there", async () => {
    const { stub, instrument } = newFeed();
    const pusher = await TestPusher.open(stub);
    await TestListener.open(stub, `${instrument}@ticker`);
    pusher.push([trade(300)], RATES, 5000);
    await pusher.stored(300);
    const listeners = [300, 301, 5000].map(async (seq) => {
      const client = await resume(stub, `${instrument}@trade`, seq);
      expect((await client.next("subscribed")).streams).toMatchObject([{ seq, recovered: true }]);
      await barrier(client);
      expect(client.ops).not.toContain("data");
      return new TestListener(client, new Receiver({ epoch: "e1", seq }));
    });
    const resumed = await Promise.all(listeners);
    pusher.push([trade(5001)]);
    await Promise.all(resumed.map((listener) => listener.until(5001)));
    for (const { receiver } of resumed) expect(receiver.trades).toEqual(["e1/5001"]);
  });

  it.each(["while others listen", "after the memory has gone"])(
    "asks the publisher how far that is, %s",
    async (when) => {
      const { stub, instrument } = newFeed();
      const pusher = await TestPusher.open(stub);
      const other = await TestListener.open(stub, `${instrument}@trade`);
      pusher.push([trade(300)], RATES, 5000);
      await other.until(300);
      await pusher.stored(300);
      const ahead = when === "while others listen" ? 6000 : 4000;
      if (ahead === 4000) await evictDurableObject(stub);
      pusher.socket.skip();
      const client = await resume(stub, `${instrument}@trade@1s`, ahead);
      expect(await pusher.socket.next("cadence")).toMatchObject({ rates: ["100ms"] });
      pusher.push([], [], 7000);
      expect((await client.next("subscribed")).streams).toMatchObject([{ seq: ahead, recovered: true }]);
    },
  );
});

it("says why it could not resume, and gives a snapshot instead", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.socket.send(batch("e1", 0, [trade(100), trade(101)], [], 101, 99));
  await pusher.stored(101);
  const client = await openClient(stub, "https://feed/");
  const stream = `${instrument}@trade`;
  for (const [epoch, seq, reason] of [
    ["e0", 100, "epoch_changed"],
    ["e1", 50, "too_old"],
  ]) {
    client.send({ op: "subscribe", streams: [{ stream, epoch, seq }] });
    expect((await client.next("subscribed")).streams).toMatchObject([{ seq: 101, recovered: false, reason }]);
    expect((await client.next("data")).data).toMatchObject([{ prev: 0, seq: 101, snapshot: true }]);
  }
});

it("answers a position ahead of it once it has caught up", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  const client = await openClient(stub, "https://feed/");
  client.send({ op: "subscribe", id: "r", streams: [{ stream: `${instrument}@trade@raw`, epoch: "e1", seq: 4 }] });
  await barrier(client);
  expect(client.ops).not.toContain("subscribed");
  pusher.push([trade(3), trade(4), trade(5)]);
  expect(await client.next("subscribed")).toMatchObject({ id: "r", streams: [{ seq: 4, recovered: true }] });
  expect((await client.next("data")).data).toMatchObject([{ prev: 4, seq: 5 }]);
});

it("says restarting when a position ahead of it does not come within five seconds", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  const client = await openClient(stub, "https://feed/");
  const seq = Number.MAX_SAFE_INTEGER;
  const streams = [`${instrument}@ticker`, { stream: `${instrument}@trade`, epoch: "e1", seq }];
  client.send({ op: "subscribe", streams });
  const { streams: worked, failed } = await client.next("subscribed");
  expect(worked).toMatchObject([{ requested: `${instrument}@ticker` }]);
  expect(failed).toMatchObject([{ requested: `${instrument}@trade`, error: { code: "restarting", retryable: true } }]);
});

it("replaces a subscription, and ends one", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const client = await openClient(stub, "https://feed/");
  const stream = `${instrument}@trade@raw`;
  pusher.push([trade(2), trade(3)]);
  await pusher.stored(3);
  client.send({ op: "subscribe", id: 1, streams: [stream] });
  expect((await client.next("data")).data).toMatchObject([{ seq: 3, snapshot: true }]);
  client.send({ op: "subscribe", id: 2, streams: [{ stream, epoch: "e1", seq: 2 }] });
  expect((await client.next("data")).data).toMatchObject([{ prev: 2, seq: 3 }]);
  client.send({ op: "unsubscribe", id: 3, streams: [stream, stream, `${instrument}@ticker`, "no stream"] });
  expect(await client.next("unsubscribed")).toEqual({ op: "unsubscribed", id: 3, streams: [stream] });
  client.skip();
  pusher.push([trade(4)]);
  await pusher.stored(4);
  await barrier(client);
  expect(client.seen.at(-1)).toEqual({ op: "pong" });
});

it("lets a bad stream fail alone, and answers each name once", async () => {
  const { stub, instrument } = newFeed();
  const client = await openClient(stub, "https://feed/");
  const good = [`${instrument}@trade`, `${instrument}@trade@100ms`, `${instrument}@trade`];
  const bad = [
    "upbit:OTHER-KRW@trade",
    "nothing",
    `${instrument}@depth`,
    `${instrument}@trade@5s`,
    "__proto__:A-B@trade",
  ];
  const half = { stream: `${instrument}@ticker`, seq: 4 };
  client.send({ op: "subscribe", id: 9, streams: [...bad, half, ...good] });
  const { id, streams, failed } = await client.next("subscribed");
  expect(id).toBe(9);
  expect(streams.map(({ requested, stream }) => [requested, stream])).toEqual([
    [good[0], good[1]],
    [good[1], good[1]],
  ]);
  expect(failed.map(({ requested, error }) => [requested, error.code])).toEqual([
    [bad[0], "unknown_stream"],
    [bad[1], "bad_request"],
    [bad[2], "unknown_stream"],
    [bad[3], "bad_request"],
    [bad[4], "bad_request"],
    [half.stream, "bad_request"],
  ]);
});

it.each([-1, 1.5, 2 ** 53, "1", null])("fails a stream whose position has the seq %s, and no other", async (seq) => {
  const { stub, instrument } = newFeed();
  const client = await openClient(stub, "https://feed/");
  const streams = [{ stream: `${instrument}@trade`, epoch: "e", seq }, `${instrument}@ticker`];
  client.ws.send(JSON.stringify({ op: "subscribe", id: 1, streams }));
  const answer = await client.next("subscribed");
  expect(answer.streams).toMatchObject([{ requested: `${instrument}@ticker` }]);
  expect(answer.failed).toMatchObject([{ requested: `${instrument}@trade`, error: { code: "bad_request" } }]);
});

it("does a client's requests in their order: an unsubscribe has the last word over a subscribe that still waits", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(3)]);
  await pusher.stored(3);
  const client = await openClient(stub, "https://feed/");
  client.ws.send(
    JSON.stringify({ op: "subscribe", id: 1, streams: [{ stream: `${instrument}@trade@raw`, epoch: "e1", seq: 9 }] }),
  );
  client.ws.send(JSON.stringify({ op: "unsubscribe", id: 2, streams: [`${instrument}@trade@raw`] }));
  pusher.push([trade(8), trade(9)]);
  expect(await client.next("subscribed")).toMatchObject({ id: 1, streams: [{ recovered: true }] });
  expect(await client.next("unsubscribed")).toMatchObject({ id: 2, streams: [`${instrument}@trade@raw`] });
});

import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LIMITS, PING_TEXT } from "../../protocol/frames.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES } from "../../protocol/stream.ts";
import { batch, gap, LIVE, Receiver, ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient, upgrade } from "../testing/test-socket.ts";

it("says to a publisher how far it has got, and to which rates to keep", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  expect(await pusher.socket.next("ready")).toEqual({ op: "ready", epoch: null, seq: 0, rates: [] });
  pusher.push([ticker(2), trade(3)]);
  expect(await pusher.socket.next("ack")).toEqual({ op: "ack", epoch: "e1", seq: 3, dirty: false });
  const listener = await TestListener.open(stub, `${instrument}@trade`);
  expect((await pusher.socket.next("cadence")).rates).toEqual([]);
  expect((await pusher.socket.next("cadence")).rates).toEqual(["100ms"]);
  listener.client.ws.close(1000);
  expect((await pusher.socket.next("cadence")).rates).toEqual([]);
});

it("keeps to no rate for a socket that turns out to be dead, though the runtime reports no loss", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  await TestListener.open(stub, `${instrument}@trade`);
  expect((await pusher.socket.next("cadence")).rates).toEqual([]);
  expect((await pusher.socket.next("cadence")).rates).toEqual(["100ms"]);
  // Its end is closed and its peer never answers: no event tells the object.
  await runInDurableObject(stub, (_feed, state) => state.getWebSockets("client")[0]?.close(1000));
  pusher.push([trade(2)]);
  expect((await pusher.socket.next("cadence")).rates).toEqual([]);
  await pusher.stored(2);
});

it("starts anew, with nobody left on a broken history, when it can't take a batch in", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  const listeners = [await openClient(stub, `https://feed/?stream=${instrument}@trade`)];
  listeners.push(await openClient(stub, `https://feed/?stream=${instrument}@ticker`));
  await Promise.all(listeners.map((one) => one.next("subscribed")));
  // Two tickers are folded into one item, with the range of their prices: one has none.
  const event = { ...ticker(4).event, price: null };
  pusher.socket.send({ ...batch("e1", 2, []), seq: 5, events: [trade(3), { ...ticker(4), event }, ticker(5)] });
  await Promise.all([...listeners.map(({ closed }) => closed), pusher.socket.closed]);
  const anew = env.SYMBOL_FEED.get(stub.id);
  const next = await TestPusher.open(anew, "e1", pusher.log);
  expect(await next.socket.next("ready")).toMatchObject({ epoch: "e1", seq: 2 });
  const resumed = await TestListener.resume(anew, `${instrument}@trade@raw`, "e1", 2);
  next.sendAfter(2);
  next.push([trade(3), trade(6)]);
  await resumed.until(6);
  expect(resumed.receiver.trades).toEqual(["e1/3", "e1/6"]);
});

it("acks only what is stored, and says that something is left to do", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  await TestListener.open(stub, `${instrument}@trade@raw`);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  pusher.push([trade(3)]);
  expect(await pusher.socket.next("ack")).toEqual({ op: "ack", epoch: "e1", seq: 2, dirty: true });
});

it("asks for what is missing, once for each hole", async () => {
  const { stub } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  for (const seq of [5, 6, 7]) pusher.socket.send(batch("e1", seq - 1, [trade(seq)]));
  pusher.log.push(trade(3), trade(5), trade(6), trade(7));
  expect(await pusher.answerResend()).toBe(2);
  await pusher.stored(7);
  expect(pusher.socket.ops.filter((op) => op === "resend")).toHaveLength(1);
  expect((await stub.trades(10)).trades.map(({ seq }) => seq)).toEqual([2, 3, 5, 6, 7]);
});

it("lets a second publisher replace the first, whose batches count no more", async () => {
  const { stub } = newFeed();
  const first = await TestPusher.open(stub);
  first.push([trade(2)]);
  await first.stored(2);
  const second = await TestPusher.open(stub);
  await first.socket.next("replaced");
  expect((await first.socket.closed).code).toBe(4000);
  expect(await second.socket.next("ready")).toMatchObject({ epoch: "e1", seq: 2 });
  second.sendAfter(2);
  expect((await stub.trades(10)).seq).toBe(2);
});

it("acks in its own epoch what a publisher of an earlier epoch sends again", async () => {
  const { stub } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2), trade(3)]);
  const other = new TestPusher(pusher.socket, "e2", []);
  other.push([trade(2)]);
  await other.stored(2);
  pusher.sendAfter(0);
  expect(await pusher.socket.next("ack")).toMatchObject({ epoch: "e1", seq: 3 });
});

it.each(["nonsense", "[]", '{"op":"ticks","epoch":"e1"}', '{"op":"ticks","seq":-1}'])(
  "sends a publisher away that sends %s, and lives on",
  async (text) => {
    const { stub, instrument } = newFeed();
    const listener = await TestListener.open(stub, `${instrument}@trade@raw`);
    const socket = await upgrade(stub, "https://feed/?publish=1");
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    const said: string[] = [];
    socket.addEventListener("message", ({ data }) => said.push(String(data)));
    socket.accept();
    socket.send(text);
    expect((await closed).code).toBe(4200);
    expect(JSON.parse(said.at(-1) ?? "")).toMatchObject({ op: "error", code: "bad_request" });
    const next = await TestPusher.open(stub);
    next.push([trade(2)]);
    await listener.until(2);
  },
);

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

it("sends raw as it comes and 100ms when that is due", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const raw = await TestListener.open(stub, `${instrument}@ticker@raw`);
  const slow = await TestListener.open(stub, `${instrument}@ticker`);
  pusher.push([ticker(2)]);
  await slow.until(2);
  for (const seq of [3, 4, 5]) pusher.push([ticker(seq)], []);
  await raw.until(5);
  await slow.nothingMore();
  pusher.push([], ["100ms"]);
  expect(await slow.data()).toMatchObject([{ prev: 2, seq: 5, n: 3, range: { low: "1003", high: "1005" } }]);
  expect(raw.receiver.tickers).toEqual(["e1/2", "e1/3", "e1/4", "e1/5"]);
});

it("has each conflated rate sent with the batch that names it, and lets no newcomer hasten that", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const slow = await TestListener.open(stub, `${instrument}@ticker@1s`);
  pusher.push([ticker(2)]);
  await slow.until(2);
  pusher.push([ticker(3)], []);
  const fast = await TestListener.open(stub, `${instrument}@ticker`);
  pusher.push([ticker(4)], ["100ms"]);
  expect(await fast.data()).toMatchObject([{ seq: 3, snapshot: true }]);
  expect(await fast.data()).toMatchObject([{ prev: 3, seq: 4, n: 1 }]);
  await slow.nothingMore();
  pusher.push([], ["1s"]);
  expect(await slow.data()).toMatchObject([{ stream: `${instrument}@ticker@1s`, prev: 2, seq: 4, n: 2 }]);
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

describe("of a pusher of another version", () => {
  it("takes what an older one says, whose empty batches tell of no other log", async () => {
    const { stub, instrument } = newFeed();
    const pusher = await TestPusher.open(stub);
    const listener = await TestListener.open(stub, `${instrument}@trade@raw`);
    const older = (epoch: string, prev: number, ...events: readonly LoggedEvent[]) => {
      const { v: _v, through: _through, opens: _opens, ...frame } = batch(epoch, prev, events, ["100ms"]);
      pusher.socket.send(frame);
    };
    older("e1", 0, trade(2), trade(4));
    await listener.until(4);
    older("e2", 0);
    older("e1", 4, trade(5));
    older("e2", 0, trade(7));
    older("e2", 7, trade(9));
    await listener.until(9, "e2");
    const { trades, gaps } = listener.receiver;
    expect([trades, gaps]).toEqual([["e1/2", "e1/4", "e1/5", "e2/7", "e2/9"], ["e2/6"]]);
  });

  it("refuses a newer one, and names both versions", async () => {
    const { stub } = newFeed();
    const publisher = await upgrade(stub, "https://feed/?publish=1");
    const closed = new Promise<CloseEvent>((resolve) => publisher.addEventListener("close", resolve));
    publisher.accept();
    publisher.send(JSON.stringify({ ...batch("e1", 0, [trade(2)]), v: 99 }));
    expect(await closed).toMatchObject({
      code: 4200,
      reason: expect.stringContaining("version 99, and this code knows up to 2"),
    });
  });
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

it.each([
  ["that is not JSON", "{", undefined],
  ['"op" must be one of subscribe', '{"op":"buy","id":3}', 3],
  ['"op" must be one of subscribe', "null", undefined],
  ['"op" must be one of subscribe', '{"id":"x","op":["subscribe"]}', "x"],
  ['"streams" must be a list', '{"op":"subscribe","id":1,"streams":[]}', 1],
  ['"streams" must be a list', '{"op":"subscribe"}', undefined],
  ['"streams.0" must be', '{"op":"subscribe","id":1,"streams":[{"epoch":"e","seq":1}]}', 1],
  ['"streams.1" must be', '{"op":"unsubscribe","id":1,"streams":["a",{}]}', 1],
  ["201 streams in one request: at most 200", manyStreams("subscribe"), 4],
  ["201 streams in one request: at most 200", manyStreams("unsubscribe"), 4],
])("answers %s, and keeps the socket", async (message, text, id) => {
  const client = await openClient(newFeed().stub, "https://feed/");
  client.ws.send(text);
  const error = await client.next("error");
  expect(error.message).toContain(message);
  expect(error.id).toBe(id);
  expect(error.retryable).toBe(false);
  await barrier(client);
});

function manyStreams(op: string): string {
  return JSON.stringify({ op, id: 4, streams: Array.from({ length: 201 }, () => "") });
}

it("answers a binary message with an error", async () => {
  const client = await openClient(newFeed().stub, "https://feed/");
  client.ws.send(new Uint8Array([1, 2, 3]));
  expect(await client.next("error")).toMatchObject({ code: "bad_request", message: expect.stringContaining("text") });
});

it.each([
  ["text", JSON.stringify({ op: "ping", pad: "비".repeat(11_000) })],
  ["long text", "x".repeat(1_000_000)],
  ["bytes", new Uint8Array(40_000)],
])(
  "closes a client at its first message that is too long, of %s, and reads nothing after it",
  async (_what, message) => {
    const { stub, instrument } = newFeed();
    const pusher = await TestPusher.open(stub);
    const { client } = await TestListener.open(stub, `${instrument}@trade`);
    pusher.socket.skip();
    client.ws.send(message);
    client.send({ op: "subscribe", id: 7, streams: [`${instrument}@ticker`] });
    const long = { code: "bad_request", message: expect.stringContaining("too long: at most 32768"), retryable: false };
    expect(await client.next("error")).toMatchObject(long);
    expect((await client.closed).code).toBe(4200);
    expect(client.ops.filter((op) => op === "subscribed").length).toBe(1);
    while ((await pusher.socket.next("cadence")).rates.length > 0);
  },
);

it("charges a client by the length of its messages", async () => {
  const client = await openClient(newFeed().stub, "https://feed/");
  const long = JSON.stringify({ op: "ping", pad: "x".repeat(32_000) });
  for (let i = 0; i < 3; i += 1) client.ws.send(long);
  expect(await client.next("error")).toMatchObject({ code: "rate_limited" });
  expect([client.ops.filter((op) => op === "pong").length, (await client.closed).code]).toEqual([2, 4100]);
});

it("closes a client that sends too much, after saying so, and forgets what it listened to", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const { client } = await TestListener.open(stub, `${instrument}@trade`);
  pusher.socket.skip();
  for (let i = 0; i < 30; i += 1) client.send({ op: "subscribe", id: i, streams: [`${instrument}@trade@raw`] });
  expect(await client.next("error")).toMatchObject({ code: "rate_limited", retryable: true });
  expect((await client.closed).code).toBe(4100);
  while ((await pusher.socket.next("cadence")).rates.length > 0);
});

it("is not charged for pings that the runtime answers", async () => {
  const client = await openClient(newFeed().stub, "https://feed/");
  for (let i = 0; i < 30; i += 1) client.ws.send(PING_TEXT);
  for (let i = 0; i < 30; i += 1) await client.next("pong");
  await barrier(client);
});

it("says when the exchange's state changes and when the publisher leaves, also to who comes later", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const { client } = await TestListener.open(stub, `${instrument}@ticker`);
  pusher.push([ticker(2)]);
  expect(await client.next("status")).toMatchObject({ exchange: "upbit", state: "live", asOf: LIVE.since + 2 });
  pusher.socket.send({ ...batch("e1", 2, []), status: { ...LIVE, state: "stale", detail: "quiet" } });
  expect(await client.next("status")).toMatchObject({ state: "stale", detail: "quiet" });
  pusher.socket.ws.close(1000);
  expect(await client.next("status")).toMatchObject({ state: "down" });
  const late = await openClient(stub, "https://feed/");
  expect(await late.next("status")).toMatchObject({ state: "down" });
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

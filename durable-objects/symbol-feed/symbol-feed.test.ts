/** What passes between a feed and its publisher, and what of that its clients notice. */

import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { batch, LIVE, ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { openClient, upgrade } from "../testing/test-socket.ts";

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
  expect(await pusher.socket.next("ack")).toEqual({
    ...{ op: "ack", epoch: "e1", seq: 2, dirty: true },
    counts: expect.objectContaining({ items: 1 }),
  });
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
  const raw = await TestListener.open(stub, `${instrument}@ticker@raw`);
  const slow = await TestListener.open(stub, `${instrument}@ticker@1s`);
  pusher.push([ticker(2)]);
  await slow.until(2);
  pusher.push([ticker(3)], []);
  await raw.until(3);
  const fast = await TestListener.open(stub, `${instrument}@ticker`);
  pusher.push([ticker(4)], ["100ms"]);
  expect(await fast.data()).toMatchObject([{ seq: 3, snapshot: true }]);
  expect(await fast.data()).toMatchObject([{ prev: 3, seq: 4, n: 1 }]);
  await slow.nothingMore();
  pusher.push([], ["1s"]);
  expect(await slow.data()).toMatchObject([{ stream: `${instrument}@ticker@1s`, prev: 2, seq: 4, n: 2 }]);
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

/** What if the memory goes away here? Sockets stay, and nothing may come twice or be left out. */

import { evictDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { RATES } from "../../protocol/stream.ts";
import { ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient } from "../testing/test-socket.ts";

async function live() {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const raw = await TestListener.open(stub, `${instrument}@trade@raw`);
  const slow = await TestListener.open(stub, `${instrument}@trade`);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  await Promise.all([raw.until(2), slow.until(2)]);
  return { stub, instrument, pusher, raw, slow };
}

const seqs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `e1/${from + i}`);

it("asks again for what was broadcast but not stored, and does not broadcast it again", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3), trade(4)]);
  await Promise.all([raw.until(4), slow.until(4)]);
  await evictDurableObject(stub);
  pusher.push([trade(5)]);
  expect(await pusher.answerResend()).toBe(2);
  await Promise.all([raw.until(5), slow.until(5)]);
  await Promise.all([raw.nothingMore(), slow.nothingMore()]);
  expect(raw.receiver.trades).toEqual(seqs(2, 5));
  expect(slow.receiver.trades).toEqual(seqs(2, 5));
});

it("asks on its own when anything wakes it", async () => {
  const { stub, pusher, raw } = await live();
  pusher.push([trade(3)]);
  await raw.until(3);
  await evictDurableObject(stub);
  await barrier(raw.client);
  expect(await pusher.answerResend()).toBe(2);
  pusher.push([trade(4)]);
  await raw.until(4);
  expect(raw.receiver.trades).toEqual(seqs(2, 4));
});

it("keeps what was still being gathered for the slower rate", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3), trade(4)], []);
  await raw.until(4);
  await slow.nothingMore();
  await evictDurableObject(stub);
  pusher.push([], []);
  await pusher.answerResend();
  await slow.until(4);
  await raw.nothingMore();
  expect(slow.receiver.trades).toEqual(seqs(2, 4));
});

it("stores nothing that the slower rate has not sent yet", async () => {
  const { stub, pusher, raw, slow } = await live();
  await evictDurableObject(stub);
  // Just woken, the feed would store at once.
  pusher.push([trade(3)], []);
  await raw.until(3);
  await evictDurableObject(stub);
  pusher.push([], []);
  expect(await pusher.answerResend()).toBe(2);
  await slow.until(3);
  expect(slow.receiver.trades).toEqual(seqs(2, 3));
});

it("survives it twice in a row, and between store and ack", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3)]);
  await raw.until(3);
  await evictDurableObject(stub);
  await barrier(raw.client);
  await evictDurableObject(stub);
  pusher.push([]);
  await pusher.answerResend();
  await pusher.stored(3);
  await evictDurableObject(stub);
  // The pusher has not read the ack, and sends again.
  pusher.sendAfter(2);
  pusher.push([trade(4)]);
  await Promise.all([raw.until(4), slow.until(4)]);
  await Promise.all([raw.nothingMore(), slow.nothingMore()]);
  expect(raw.receiver.trades).toEqual(seqs(2, 4));
});

it("remembers the position that a client has resumed from", async () => {
  const { stub, instrument, pusher, raw } = await live();
  pusher.push([ticker(9)]);
  pusher.push([]);
  const resumed = await TestListener.resume(stub, `${instrument}@trade@raw`, "e1", 9);
  await evictDurableObject(stub);
  await barrier(raw.client);
  await pusher.answerResend();
  pusher.push([trade(12)]);
  expect(await resumed.data()).toMatchObject([{ prev: 9, seq: 12 }]);
  expect(await raw.data()).toMatchObject([{ prev: 2, seq: 12 }]);
  await evictDurableObject(stub);
  pusher.push([]);
  await pusher.answerResend();
  pusher.push([trade(13)]);
  await Promise.all([resumed.until(13), raw.until(13)]);
});

it("knows what was broadcast when the publisher leaves right after it, and another one comes", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3), trade(4)]);
  await Promise.all([raw.until(4), slow.until(4)]);
  raw.client.skip();
  await evictDurableObject(stub);
  pusher.socket.ws.close(1000);
  expect(await raw.client.next("status")).toMatchObject({ state: "down", source: "live" });
  await evictDurableObject(stub);
  const next = await TestPusher.open(stub, "e1", pusher.log);
  expect(await next.socket.next("ready")).toMatchObject({ epoch: "e1", seq: 2, rates: ["raw", "100ms"] });
  next.sendAfter(2);
  next.push([trade(5)]);
  await Promise.all([raw.until(5), slow.until(5)]);
  await Promise.all([raw.nothingMore(), slow.nothingMore()]);
  expect(raw.receiver.trades).toEqual(seqs(2, 5));
});

it("carries it over to a publisher that takes the place of one before", async () => {
  const { stub, pusher, raw } = await live();
  pusher.push([trade(3)]);
  await raw.until(3);
  await evictDurableObject(stub);
  const next = await TestPusher.open(stub, "e1", pusher.log);
  await pusher.socket.next("replaced");
  expect((await pusher.socket.closed).code).toBe(4000);
  expect(await next.socket.next("ready")).toMatchObject({ seq: 2 });
  await evictDurableObject(stub);
  next.sendAfter(2);
  next.push([trade(4)]);
  await raw.until(4);
  expect(raw.receiver.trades).toEqual(seqs(2, 4));
});

it("tells the pusher when the last listener leaves while it sleeps", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const only = await TestListener.open(stub, `${instrument}@trade`);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  pusher.socket.skip();
  await evictDurableObject(stub);
  only.client.ws.close(1000);
  const counts = expect.objectContaining({ clients: 0, streams: 0 });
  expect(await pusher.socket.next("cadence")).toEqual({ op: "cadence", rates: [], counts });
});

it("answers who comes before it has caught up only then", async () => {
  const { stub, instrument, pusher, raw } = await live();
  pusher.push([ticker(3), trade(4)]);
  await raw.until(4);
  await evictDurableObject(stub);
  const client = await openClient(stub, `https://feed/?stream=${instrument}@ticker`);
  const before = stub.latest();
  await pusher.answerResend();
  expect(await client.next("subscribed")).toMatchObject({ streams: [{ seq: 3 }] });
  expect(await client.next("data")).toMatchObject({ data: [{ seq: 3, snapshot: true }] });
  expect(await before).toMatchObject({ epoch: "e1", seq: 3 });
});

it("keeps a new epoch whose first items were just sent", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3)], []);
  await raw.until(3);
  const other = new TestPusher(pusher.socket, "e2", []);
  other.push([trade(2)], []);
  await Promise.all([raw.until(2, "e2"), slow.until(2, "e2")]);
  await evictDurableObject(stub);
  other.push([trade(3)]);
  await Promise.all([raw.until(3, "e2"), slow.until(3, "e2")]);
  for (const { receiver } of [raw, slow]) {
    expect(receiver.trades).toEqual(["e1/2", "e1/3", "e2/2", "e2/3"]);
    expect(receiver.gaps).toEqual(["e2/1"]);
  }
});

it("keeps a new epoch that has no event yet, and tells nobody of it twice", async () => {
  const { stub, pusher, raw, slow } = await live();
  pusher.push([trade(3)], []);
  await raw.until(3);
  const other = new TestPusher(pusher.socket, "e2", []);
  other.push([], [], 40);
  await Promise.all([raw.until(1, "e2"), slow.until(1, "e2")]);
  await evictDurableObject(stub);
  other.push([], RATES, 50);
  await Promise.all([raw.nothingMore(), slow.nothingMore()]);
  await evictDurableObject(stub);
  // Its pusher dies, and the next one knows nothing of what was told.
  const next = await TestPusher.open(stub, "e2", []);
  expect(await next.socket.next("ready")).toMatchObject({ epoch: "e2", seq: 1 });
  next.push([trade(51)]);
  await Promise.all([raw.until(51, "e2"), slow.until(51, "e2")]);
  for (const { receiver } of [raw, slow]) {
    expect(receiver.trades).toEqual(["e1/2", "e1/3", "e2/51"]);
    expect(receiver.gaps).toEqual(["e2/1"]);
  }
});

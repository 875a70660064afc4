/** What a feed counts, each number by what moves it, and that it is said only where something is said anyway. */

import { evictDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { type EdgeCounts, edgeCounts, sumCounts } from "../../protocol/edge-counts.ts";
import { serverFrame } from "../../protocol/frames.ts";
import { batch, ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient, TestSocket, upgrade } from "../testing/test-socket.ts";

/** All that the pusher was told; of what there is now, the last word. */
function told({ socket }: TestPusher): EdgeCounts {
  const words = socket.seen.flatMap((frame) => ("counts" in frame && frame.counts ? [frame.counts] : []));
  const sum = words.reduce(sumCounts, edgeCounts.parse({}));
  return { ...sum, clients: words.at(-1)?.clients ?? 0, streams: words.at(-1)?.streams ?? 0 };
}

it("counts clients, their streams, and every item that each of them is sent", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const one = await TestListener.open(stub, `${instrument}@trade@raw`);
  const other = await TestListener.open(stub, `${instrument}@trade@raw`);
  const both = await openClient(stub, `https://feed/?stream=${instrument}@trade@100ms&stream=${instrument}@ticker@raw`);
  await both.next("subscribed");
  pusher.push([trade(1, instrument), ticker(2, instrument), trade(3, instrument)]);
  await Promise.all([one.until(3), other.until(3), both.next("data")]);
  // Of one stream alone, which is sent another way.
  pusher.push([trade(4, instrument)], []);
  await Promise.all([one.until(4), other.until(4)]);
  one.client.ws.close(1000);
  both.ws.close(1000);
  other.client.ws.close(1000);
  await vi.waitFor(() => expect(told(pusher).closes).toEqual({ left: 3 }));
  const sockets = [one.client, other.client, both];
  const frames = sockets.flatMap(({ seen }) => seen);
  const items = frames.flatMap((frame) => (frame.op === "data" ? frame.data : []));
  expect(items.length).toBe(3 + 3 + 2);
  expect(told(pusher)).toEqual({
    ...{ clients: 0, streams: 0, frames: frames.length, items: items.length, folded: 0 },
    ...{ bytes: frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0) },
    ...{ resumes: { began_anew: 4 }, closes: { left: 3 } },
  });
  const most = pusher.socket.seen.flatMap((frame) => ("counts" in frame && frame.counts ? [frame.counts] : []));
  expect(Math.max(...most.map(({ clients }) => clients))).toBe(3);
  expect(Math.max(...most.map(({ streams }) => streams))).toBe(4);
});

it("counts the events that a newer one replaces before they are due", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const listener = await TestListener.open(stub, `${instrument}@ticker@1s`);
  pusher.push([trade(1, instrument)]);
  pusher.push([ticker(2, instrument), ticker(3, instrument)], ["100ms"]);
  pusher.push([ticker(4, instrument)], ["1s"]);
  await listener.until(4);
  listener.client.ws.close(1000);
  await vi.waitFor(() => expect(told(pusher)).toMatchObject({ folded: 2, items: 1, clients: 0 }));
});

it("counts how subscriptions go", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  // The feed has missed what stands before the first batch of a log that it does not know.
  pusher.socket.send(batch("e1", 4, [trade(5, instrument), trade(6, instrument)], [], 6, 4));
  await pusher.stored(6);
  const stream = `${instrument}@trade@raw`;
  const clients = [await TestListener.resume(stub, stream, "e1", 5), await TestListener.resume(stub, stream, "e1", 3)];
  clients.push(await TestListener.resume(stub, stream, "e0", 3), await TestListener.open(stub, stream));
  for (const { client } of clients) client.ws.close(1000);
  await vi.waitFor(() => expect(told(pusher).closes).toEqual({ left: 4 }));
  expect(told(pusher).resumes).toEqual({ recovered: 1, too_old: 1, epoch_changed: 1, began_anew: 1 });
});

it("counts why it closes a client", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const healthy = await TestListener.open(stub, `${instrument}@trade@100ms`);
  const rude = await openClient(stub, "https://feed/");
  rude.ws.send("x".repeat(100_000));
  await rude.closed;
  const stalled = await upgrade(stub, `https://feed/?stream=${encodeURIComponent(`${instrument}@trade@raw`)}`);
  while (!(await pusher.socket.next("cadence")).rates.includes("raw"));
  const id = "t".repeat(50_000);
  for (let seq = 1; seq <= 10; seq += 1) {
    const logged = trade(seq, instrument);
    pusher.push([{ ...logged, event: { ...logged.event, id } } as typeof logged]);
    await healthy.until(seq);
  }
  expect(await new TestSocket(stalled, serverFrame).closed).toMatchObject({ code: 4001 });
  await vi.waitFor(() => expect(told(pusher).closes).toEqual({ bad_request: 1, slow_consumer: 1 }));
  pusher.socket.send({ op: "retired" });
  expect((await healthy.client.closed).code).toBe(4204);
  const all = { bad_request: 1, slow_consumer: 1, unknown_instrument: 1 };
  await vi.waitFor(() => expect(told(pusher).closes).toEqual(all));
});

it("says with the first word after its memory was lost that a client has left meanwhile", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const client = await openClient(stub, "https://feed/");
  pusher.push([trade(1, instrument)]);
  await vi.waitFor(() => expect(told(pusher).clients).toBe(1));
  await evictDurableObject(stub);
  client.ws.close(1000);
  await client.closed;
  await evictDurableObject(stub);
  pusher.push([trade(2, instrument)]);
  await pusher.stored(2);
  expect(told(pusher).clients).toBe(0);
});

it("says nothing for the numbers' sake: who comes and goes to a quiet feed is told with its next word", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(1, instrument)]);
  await pusher.stored(1);
  const before = pusher.socket.seen.length;
  const silent = await openClient(stub, "https://feed/");
  await barrier(silent);
  silent.ws.close(1000);
  const listener = await TestListener.open(stub, `${instrument}@trade@raw`);
  await vi.waitFor(() => expect(told(pusher)).toMatchObject({ clients: 1, streams: 1, closes: { left: 1 } }));
  // To ask for what waits, and to say what is listened to.
  expect(pusher.socket.ops.slice(before)).toEqual(["cadence", "cadence"]);
  listener.client.ws.close(1000);
});

/** What a feed tells its clients on its publisher's behalf: that the instrument has gone, or that they should reconnect. */

import { expect, it } from "vitest";
import { ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient } from "../testing/test-socket.ts";

it("tells every client that the instrument is no longer collected, after all that came before, and closes", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const listener = await TestListener.open(stub, `${instrument}@trade`);
  const silent = await openClient(stub, "https://feed/");
  // Still being gathered for the 100ms rate.
  pusher.push([trade(2), trade(3)], []);
  pusher.socket.send({ op: "retired" });
  await listener.until(3);
  for (const client of [listener.client, silent]) {
    const error = await client.next("error");
    expect(error).toMatchObject({ code: "unknown_instrument", retryable: false });
    expect(error.message).toContain(`${instrument} is no longer collected`);
    expect((await client.closed).code).toBe(4204);
  }
  await pusher.stored(3);
});

it("has those who come all the same ask again, until a publisher is back", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  const there = await openClient(stub, "https://feed/");
  pusher.socket.send({ op: "retired" });
  await there.closed;
  const refused = await openClient(stub, `https://feed/?stream=${instrument}@trade`);
  expect((await refused.closed).code).toBe(4000);
  expect(refused.ops).toEqual(["error"]);
  pusher.socket.ws.close(1000);
  const next = await TestPusher.open(stub, "e1", pusher.log);
  expect(await next.socket.next("ready")).toMatchObject({ epoch: "e1", seq: 2 });
  const listener = await TestListener.resume(stub, `${instrument}@trade`, "e1", 2);
  next.push([trade(8), ticker(9)]);
  await listener.until(8);
  expect(listener.receiver.trades).toEqual(["e1/8"]);
});

it("answers nobody who was sent away while a request still waited", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([trade(2)]);
  await pusher.stored(2);
  const client = await openClient(stub, "https://feed/");
  client.send({ op: "subscribe", streams: [{ stream: `${instrument}@trade`, epoch: "e1", seq: 50 }] });
  await pusher.socket.next("cadence");
  pusher.socket.send({ op: "retired" });
  expect((await client.closed).code).toBe(4204);
  pusher.push([trade(50)]);
  await pusher.stored(50);
  expect(client.ops).not.toContain("subscribed");
});

it("asks every client to reconnect, and keeps them until they do", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const listener = await TestListener.open(stub, `${instrument}@trade`);
  const silent = await openClient(stub, "https://feed/");
  pusher.socket.send({ op: "drain", within: 3000 });
  for (const client of [listener.client, silent]) {
    expect(await client.next("reconnect")).toEqual({ op: "reconnect", within: 3000, reason: "deploy" });
    await barrier(client);
  }
  pusher.push([trade(2)]);
  await listener.until(2);
});

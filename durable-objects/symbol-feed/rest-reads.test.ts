import { expect, it } from "vitest";
import { ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestPusher } from "../testing/test-feed.ts";

it("asks an idle feed's pusher for what it holds before it answers", async () => {
  const { stub } = newFeed();
  const pusher = await TestPusher.open(stub);
  pusher.push([ticker(2)]);
  await pusher.stored(2);
  const read = stub.latest();
  await pusher.socket.next("cadence");
  pusher.push([ticker(3), trade(4)]);
  expect(await read).toMatchObject({ epoch: "e1", seq: 3, ticker: { price: "1003" } });
});

it("answers a read from what it has when the pusher says nothing, or there is none", async () => {
  const { stub } = newFeed();
  expect(await stub.latest()).toBeNull();
  expect(await stub.trades(5)).toEqual({ source: null, epoch: null, seq: 0, trades: [] });
  const pusher = await TestPusher.open(stub);
  pusher.push([ticker(2), trade(3), trade(4), trade(5)]);
  await pusher.stored(5);
  expect(await stub.latest()).toMatchObject({ seq: 2 });
  expect((await stub.trades(2)).trades).toMatchObject([{ id: "t4" }, { id: "t5", seq: 5 }]);
});

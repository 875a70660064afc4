import { expect, it } from "vitest";
import { serverFrame } from "../../protocol/frames.ts";
import { trade } from "../testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { TestSocket, upgrade } from "../testing/test-socket.ts";

const ID = "t".repeat(50_000);

function bigTrade(seq: number, instrument: string) {
  const logged = trade(seq, instrument);
  return { ...logged, event: { ...logged.event, id: ID } } as typeof logged;
}

it("closes a client that takes nothing, tells the pusher, and gives the others everything", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const healthy = await TestListener.open(stub, `${instrument}@trade@100ms`);
  // What is not accepted is not read.
  const stalled = await upgrade(stub, `https://feed/?stream=${encodeURIComponent(`${instrument}@trade@raw`)}`);
  while (!(await pusher.socket.next("cadence")).rates.includes("raw"));
  for (let seq = 1; seq <= 10; seq += 1) {
    pusher.push([bigTrade(seq, instrument)]);
    await healthy.until(seq);
  }
  while ((await pusher.socket.next("cadence")).rates.includes("raw"));
  expect(healthy.receiver.trades.length).toBe(10);
  const client = new TestSocket(stalled, serverFrame);
  expect(await client.next("error")).toMatchObject({ code: "slow_consumer", retryable: true });
  expect((await client.closed).code).toBe(4001);
  const got = client.seen.flatMap((frame) => (frame.op === "data" ? frame.data.length : []));
  expect(got.length).toBeLessThan(5);
});

it("probes a client, and takes its answer", async () => {
  const { stub, instrument } = newFeed();
  const pusher = await TestPusher.open(stub);
  const { client } = await TestListener.open(stub, `${instrument}@trade@raw`);
  let seq = 0;
  const push = async (times: number) => {
    for (let i = 0; i < times; i += 1) {
      seq += 1;
      pusher.push([bigTrade(seq, instrument)]);
      await client.next("data");
    }
  };
  await push(6);
  const { id } = await client.next("probe");
  await push(6);
  expect(client.ops.filter((op) => op === "probe").length).toBe(1);
  client.send({ op: "ack", id });
  client.ws.send('{"op": "ping"}');
  await client.next("pong");
  await push(1);
  expect((await client.next("probe")).id).toBe(id + 1);
});

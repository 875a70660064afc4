import { env, evictDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { type MultiServerFrame, multiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { PING_TEXT } from "../../protocol/ping.ts";
import { servePartition } from "../testing/partition-publisher.ts";
import { ticker, trade } from "../testing/test-events.ts";
import { TestSocket, upgrade } from "../testing/test-socket.ts";

type Client = TestSocket<MultiServerFrame>;

let worlds = 0;

/** An exchange of its own with two markets in one partition, its publisher, and a relay. */
async function newWorld() {
  worlds += 1;
  const served = await servePartition(`test${"abcdefghij"[worlds]}`);
  return { ...served, relay: env.FANOUT_RELAY.getByName(`local-${worlds}`) };
}
type World = Awaited<ReturnType<typeof newWorld>>;

async function open({ relay }: World, query = ""): Promise<Client> {
  return new TestSocket(await upgrade(relay, `https://relay/${query}`), multiServerFrame);
}

/** Subscribes while the feed is still idle. */
async function first(world: World, client: Client, streams: readonly string[]) {
  client.send({ op: "subscribe", id: 1, streams });
  await world.publisher.socket.next("cadence");
  await world.publisher.begin();
  return client.next("subscribed");
}

it("gives the items of named streams and wildcards in one frame, each once, with positions", async () => {
  const world = await newWorld();
  const { btc, eth, exchange, publisher } = world;
  const client = await open(world);
  expect(await client.next("welcome")).toMatchObject({ limits: { streams: 200, wildcards: 20 } });
  const streams = [`${exchange}:*-KRW@trade@100ms`, `${btc}@trade`, `${btc}@ticker@100ms`];
  const subscribed = await first(world, client, streams);
  expect(subscribed).toMatchObject({ id: 1, failed: [], positions: { [publisher.epoch]: 2 } });
  expect(subscribed.streams[0]).toMatchObject({ matches: 2 });
  publisher.push([trade(5, btc), trade(6, eth), ticker(7, btc)]);
  let data = await client.next("data");
  while (data.data.length === 0) data = await client.next("data");
  expect(data.data.map(({ stream, seq }) => [stream, seq])).toEqual([
    [`${btc}@trade@100ms`, 5],
    [`${eth}@trade@100ms`, 6],
    [`${btc}@ticker@100ms`, 7],
  ]);
  expect(data.positions).toEqual({ [publisher.epoch]: 7 });
  for (const { prev } of data.data.slice(0, 2)) expect(prev).toBeLessThanOrEqual(2);
});

it("goes on from positions with what came since, from the ring, and then live", async () => {
  const world = await newWorld();
  const { btc, eth, exchange, publisher } = world;
  const stays = await open(world);
  await first(world, stays, [`${exchange}:*-*@trade@raw`]);
  publisher.push([trade(5, btc), trade(6, eth), trade(9, btc)]);
  await seqs(stays, 3);
  const client = await open(world);
  client.send({
    op: "subscribe",
    streams: [`${exchange}:*-*@trade@raw`],
    from: { [publisher.epoch]: 5, elsewhere: 3 },
  });
  await publisher.answerReplay();
  expect(await client.next("subscribed")).toMatchObject({
    streams: [{ recovered: { [publisher.epoch]: true } }],
    positions: { [publisher.epoch]: 5 },
  });
  publisher.push([trade(12, eth)]);
  expect(await seqs(client, 3)).toEqual([6, 9, 12]);
});

it("closes a client that had streams when its memory is lost, and serves one that had none", async () => {
  const world = await newWorld();
  const { btc, relay, publisher } = world;
  const [busy, idle] = [await open(world), await open(world)];
  await first(world, busy, [`${btc}@trade@raw`]);
  busy.send({ op: "unsubscribe", id: 2, streams: [`${btc}@trade@raw`] });
  expect(await busy.next("unsubscribed")).toMatchObject({ streams: [`${btc}@trade@raw`] });
  expect((await publisher.socket.next("cadence")).rates).toEqual([]);
  await evictDurableObject(relay);
  idle.send({ op: "subscribe", id: 3, streams: [`${btc}@ticker@raw`, `${btc}x@ticker`] });
  expect((await busy.closed).code).toBe(4000);
  expect((await publisher.socket.next("cadence")).rates).toEqual(["raw"]);
  await publisher.begin();
  expect(await idle.next("subscribed")).toMatchObject({
    id: 3,
    streams: [{ stream: `${btc}@ticker@raw` }],
    failed: [{ requested: `${btc}x@ticker` }],
  });
});

it("answers a mistake and keeps the socket, and a ping without waking", async () => {
  const world = await newWorld();
  const client = await open(world);
  client.send({ op: "subscribe", id: 1, streams: ["a"], from: { x: -1 } });
  expect(await client.next("error")).toMatchObject({ id: 1, message: expect.stringContaining('"from" must be') });
  client.send({ op: "subscribe", id: 2, streams: [`${world.exchange}:*-EUR@trade`] });
  expect(await client.next("subscribed")).toMatchObject({ id: 2, streams: [{ matches: 0 }] });
  client.ws.send(PING_TEXT);
  await client.next("pong");
});

/** The seqs of the next so many trades. */
async function seqs(client: Client, count: number): Promise<number[]> {
  const all: number[] = [];
  while (all.length < count) {
    const { data } = await client.next("data");
    all.push(...data.flatMap(({ trades = [], snapshot }) => (snapshot ? [] : trades.map(({ seq }) => seq))));
  }
  return all;
}

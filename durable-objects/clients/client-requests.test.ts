import { expect, it } from "vitest";
import { PING_TEXT } from "../../protocol/ping.ts";
import { newFeed, TestListener, TestPusher } from "../testing/test-feed.ts";
import { barrier, openClient } from "../testing/test-socket.ts";

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

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { TickcastClient } from "./client.ts";
import type { ClientError } from "./handlers.ts";
import { dialNode } from "./node-socket.ts";
import { fakeFeed, type Peer } from "./testing/fake-feed.ts";
import { Inbox } from "./testing/inbox.ts";

const nothing = { onItem: () => undefined };

function client(url: string, sockets: "shared" | "per-instrument" = "per-instrument"): TickcastClient {
  const one = new TickcastClient({ url, dial: dialNode, maxPause: 20, sockets });
  onTestFinished(() => one.close());
  return one;
}

test("one connection for all streams and wildcards, more where one would carry too many", async () => {
  const feed = await fakeFeed();
  const one = client(feed.url, "shared");
  one.subscribe("upbit:BTC-KRW@trade", nothing);
  expect(one.subscribe("upbit:*-KRW@trade", nothing).stream).toBe("upbit:*-KRW@trade@1s");
  for (let i = 0; i < 205; i++) one.subscribe(`binance:C${i}-USDT@ticker`, nothing);
  const [peer, second] = [await feed.peer(), await feed.peer()];
  expect([peer.path, second.path]).toEqual(["/v1/stream", "/v1/stream"]);
  const [first] = await Promise.all([peer.request(), second.request()]);
  expect(first.streams.slice(0, 2)).toEqual(["upbit:BTC-KRW@trade@100ms", "upbit:*-KRW@trade@1s"]);
  const more = await peer.frames.take(({ op }) => op === "subscribe");
  expect(more).toMatchObject({ streams: ["binance:C198-USDT@ticker@100ms"] });
  await second.settled();
  expect([first.streams.length, feed.all.length]).toEqual([200, 2]);
});

test("one connection for each instrument where that is wanted, whatever its streams; one for wildcards", async () => {
  const feed = await fakeFeed();
  const one = client(feed.url);
  one.subscribe("upbit:BTC-KRW@trade", nothing);
  expect(one.subscribe("upbit:BTC-KRW@ticker@raw", nothing).stream).toBe("upbit:BTC-KRW@ticker@raw");
  const peer = await feed.peer();
  expect((await peer.request()).streams).toEqual(["upbit:BTC-KRW@trade@100ms", "upbit:BTC-KRW@ticker@raw"]);
  one.subscribe("upbit:ETH-KRW@trade", nothing);
  const second = await feed.peer();
  expect([peer.path, second.path]).toEqual(["/v1/stream/upbit/BTC-KRW", "/v1/stream/upbit/ETH-KRW"]);
  one.subscribe("*:BTC-*@trade", nothing);
  expect((await feed.peer()).path).toBe("/v1/stream");
});

test("symbols of any script are percent-encoded", async () => {
  const feed = await fakeFeed();
  client(feed.url).subscribe("binance:币安人生-USDT@trade", nothing);
  expect((await feed.peer()).path).toBe(`/v1/stream/binance/${encodeURIComponent("币安人生")}-USDT`);
});

test.each([
  ["http://localhost:1", "ws://localhost:1/v1/stream"],
  ["http://localhost:1/", "ws://localhost:1/v1/stream"],
  ["HTTPS://prices.example", "wss://prices.example/v1/stream"],
  ["ws://localhost:1", "ws://localhost:1/v1/stream"],
  ["wss://prices.example/base//", "wss://prices.example/base/v1/stream"],
])("%s is dialled as %s", (url, expected) => {
  const dialled: string[] = [];
  const dial = (address: string) => {
    dialled.push(address);
    return dialNode("ws://localhost:1");
  };
  const one = new TickcastClient({ url, dial });
  one.subscribe("upbit:BTC-KRW@trade", nothing);
  one.close();
  expect(dialled).toEqual([expected]);
});

test.each(["localhost:8787", "", "ftp://localhost", "/v1"])("%j is no address", (url) => {
  expect(() => client(url)).toThrow(`"${url}" is not where Tickcast can be: write http://localhost:8787`);
});

test("a malformed name throws at once, and nothing is dialled", () => {
  expect(() => client("http://localhost:1").subscribe("upbit:KRW-BTC@trade", nothing)).toThrow("did you mean BTC-KRW?");
});

test("a position of an instrument resumes no wildcard, positions no socket of one instrument", () => {
  const one = client("http://localhost:1");
  const own = { epoch: "a", seq: 1 };
  expect(() => one.subscribe("upbit:*-KRW@trade", nothing, own)).toThrow("has no position of its own");
  expect(() => one.subscribe("upbit:BTC-KRW@trade", nothing, { positions: { a: 1 } })).toThrow("{ epoch, seq }");
});

test.each(["per-instrument", "shared"] as const)(
  "%s: unsubscribing the last stream closes the connection; a new one is dialled when it is needed",
  async (sockets) => {
    const feed = await fakeFeed();
    const one = client(feed.url, sockets);
    const [trades, tickers] = ["trade", "ticker"].map((channel) => one.subscribe(`upbit:BTC-KRW@${channel}`, nothing));
    const peer = await feed.peer();
    await peer.request();
    trades?.unsubscribe();
    await peer.settled();
    tickers?.unsubscribe();
    tickers?.unsubscribe();
    expect((await peer.closed).code).toBe(1000);
    one.subscribe("upbit:BTC-KRW@trade", nothing);
    expect((await (await feed.peer()).request()).streams).toEqual(["upbit:BTC-KRW@trade@100ms"]);
  },
);

test.each(["per-instrument", "shared"] as const)(
  "%s: after the server has refused, subscribing again asks again",
  async (sockets) => {
    const feed = await fakeFeed();
    const one = client(feed.url, sockets);
    const failures = new Inbox<ClientError>();
    const handle = one.subscribe("upbit:NOPE-KRW@trade", { ...nothing, onError: failures.put });
    const peer = await feed.peer();
    const error = { code: "unknown_instrument", message: "there is no NOPE-KRW", retryable: false };
    peer.send({ op: "error", ...error });
    peer.socket.close(4204, "gone");
    expect(await failures.take()).toEqual(error);
    expect(handle.state).toBe("unsubscribed");
    one.subscribe("upbit:NOPE-KRW@trade", nothing);
    await (await feed.peer()).request();
  },
);

test.each(["per-instrument", "shared"] as const)("%s: close() ends everything", async (sockets) => {
  const feed = await fakeFeed();
  const one = client(feed.url, sockets);
  const handle = one.subscribe("upbit:BTC-KRW@trade", nothing);
  const peer = await feed.peer();
  await peer.request();
  one.close();
  expect((await peer.closed).code).toBe(1000);
  expect(handle.state).toBe("unsubscribed");
});

test("close() lets the process end, even when the server does not answer it", async () => {
  const feed = await fakeFeed();
  const script = `
    import { TickcastClient } from ${JSON.stringify(new URL("client.ts", import.meta.url).href)};
    import { dialNode } from ${JSON.stringify(new URL("node-socket.ts", import.meta.url).href)};
    const client = new TickcastClient({ url: "${feed.url}", dial: dialNode, sockets: "per-instrument" });
    client.subscribe("upbit:BTC-KRW@trade", { onItem() {}, onError() {} });
    client.subscribe("upbit:ETH-KRW@trade", { onItem() {}, onSubscribed: () => client.close() });
  `;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const peers = new Map<string, Peer>();
  for (const peer of [await feed.peer(), await feed.peer()]) peers.set(peer.path.slice(-7), peer);
  const [btc, eth] = [peers.get("BTC-KRW"), peers.get("ETH-KRW")];
  if (btc === undefined || eth === undefined) throw new Error("not the two instruments");
  // One retry is pending, one server is frozen, when the client closes.
  btc.refuse(await btc.request(), { code: "restarting", message: "later", retryable: true });
  await btc.settled();
  btc.socket.pause();
  eth.answer(await eth.request(), { epoch: "a", seq: 1 });
  expect(await once(child, "exit")).toEqual([0, null]);
});

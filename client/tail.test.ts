import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { fakeFeed, type Peer } from "./testing/fake-feed.ts";
import { Inbox } from "./testing/inbox.ts";
import { TRADES, ticker, tickerSnapshot, trade, tradeSnapshot } from "./testing/items.ts";
import { matched, wildcardTrade } from "./testing/stream-connection.ts";

const TAIL = fileURLToPath(new URL("tail.ts", import.meta.url));

interface Tail {
  readonly child: ChildProcess;
  readonly out: Inbox<string>;
  readonly err: Inbox<string>;
  readonly code: Promise<number | null>;
}

function tail(...args: string[]): Tail {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", TAIL, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [out, err] = [new Inbox<string>(), new Inbox<string>()];
  createInterface(child.stdout).on("line", out.put);
  createInterface(child.stderr).on("line", err.put);
  return { child, out, err, code: once(child, "close").then(([code]) => code as number | null) };
}

/** A tail of trades that has printed the newest one. */
async function tailing(...args: string[]) {
  const feed = await fakeFeed();
  const running = tail(TRADES, "--url", feed.url, ...args);
  const peer = await feed.peer();
  await begin(peer);
  return { ...running, feed, peer, first: await running.out.take() };
}

async function begin(peer: Peer): Promise<void> {
  peer.answer(await peer.request(), { epoch: "a", seq: 5 });
  peer.data(tradeSnapshot(5));
}

test("prints items as lines for people, and ends well when it is interrupted", async () => {
  const { out, peer, first, child, code } = await tailing();
  expect(first).toBe("03:45:48.303 upbit:BTC-KRW buy  0.5 @ 95299000 #50 (newest so far)");
  const gap = { cause: "collector_restart" as const, since: 1_783_655_148_303, until: 1_783_655_149_000 };
  peer.data(trade(5, 6, { source: "simulated" }), trade(6, 7, { trades: [], n: 0, gap: { ...gap, state: "lost" } }));
  expect(await out.take()).toBe("03:45:48.303 upbit:BTC-KRW buy  0.5 @ 95299000 #60 (simulated)");
  expect(await out.take()).toBe("03:45:49.000 upbit:BTC-KRW gap lost: collector_restart since 03:45:48.303");
  child.kill("SIGINT");
  expect(await code).toBe(0);
});

test("prints tickers, and none of them again after a reconnect", async () => {
  const feed = await fakeFeed();
  const { out, err } = tail("upbit:BTC-KRW@ticker", "--url", feed.url);
  const peer = await feed.peer();
  peer.answer(await peer.request(), { epoch: "a", seq: 5 });
  peer.data(tickerSnapshot(5));
  expect(await out.take()).toBe("03:45:48.303 upbit:BTC-KRW 95299000 1.5 % seq 5");
  peer.socket.close(4000, "deploy");
  const second = await feed.peer();
  second.answer(await second.request(), { epoch: "a", seq: 5, recovered: true });
  second.data(tickerSnapshot(5), ticker(5, 6));
  expect(await out.take()).toMatch(/seq 6$/);
  expect(await err.take()).toBe("disconnected (4000 deploy): trying again");
  expect(await err.take()).toBe("upbit:BTC-KRW@ticker@100ms goes on");
});

test("--json prints each item as it came, once, whatever is repeated or missing", async () => {
  const { out, peer, first } = await tailing("--json");
  expect(JSON.parse(first)).toEqual(tradeSnapshot(5));
  peer.data(trade(5, 6), trade(5, 6), trade(7, 8));
  peer.answer(await peer.request(), { epoch: "a", seq: 6, recovered: true });
  peer.data(trade(6, 7), trade(7, 8));
  const lines = [await out.take(), await out.take(), await out.take()];
  expect(lines.map((line) => JSON.parse(line))).toEqual([trade(5, 6), trade(6, 7), trade(7, 8)]);
  await peer.settled();
  expect(out.left).toEqual([]);
});

test("wildcards of several exchanges share a connection; what can't be resumed is noted", async () => {
  const feed = await fakeFeed();
  const { out, err } = tail("upbit:*-KRW@trade", "*:BTC-*@trade@raw", "--json", "--url", feed.url);
  const peer = await feed.peer();
  expect(peer.path).toBe("/v1/stream");
  const request = await peer.request();
  expect(request.streams).toEqual(["upbit:*-KRW@trade@1s", "*:BTC-*@trade@raw"]);
  peer.send(matched(request, { a: 10 }));
  peer.send({ op: "data", data: [wildcardTrade("BTC", 9, 12)], positions: { a: 12 } });
  expect(JSON.parse(await out.take())).toEqual(wildcardTrade("BTC", 9, 12));
  expect(await err.take()).toBe("upbit:*-KRW@trade@1s stands for 2 instruments");
  expect(await err.take()).toBe("*:BTC-*@trade@raw stands for 2 instruments");
  peer.socket.close(4001);
  const second = await feed.peer();
  second.send(matched(await second.request(), { a: 90 }, { a: "too_old" }));
  expect(await err.take()).toBe("disconnected (4001): trying again");
  expect(await err.take()).toBe("upbit:*-KRW@trade@1s could not be resumed: too_old");
});

test("--stats says how much comes and how long it takes, instead of the items", async () => {
  const feed = await fakeFeed();
  const { out } = tail("upbit:*-KRW@trade", "--stats", "--every", "0.3", "--json", "--url", feed.url);
  const peer = await feed.peer();
  peer.send(matched(await peer.request(), { a: 10 }));
  const t = { exchange: Date.now() - 50, received: Date.now() - 40, logged: Date.now() - 38, edge: Date.now() - 30 };
  peer.send({ op: "data", data: [{ ...wildcardTrade("BTC", 9, 12), t, n: 3 }] });
  const report = JSON.parse(await out.take((line) => JSON.parse(line).folded > 0));
  expect(report).toMatchObject({ folded: 2, gaps: 0, missed: 0, latency: { collector: { p50: 10 }, log: { p99: 2 } } });
  expect(report.bytesPerSecond).toBeGreaterThan(100);
  expect(report.latency.all.p50).toBeGreaterThanOrEqual(50);
});

test("--every that is no time: one clear line, exit status 2", async () => {
  const { err, code } = tail(TRADES, "--stats", "--every", "soon");
  expect(await code).toBe(2);
  expect(err.left).toEqual(['--every: "soon" is no number of seconds']);
});

test.each([
  ["upbit:KRW-BTC@trade", /"KRW-BTC" is not a symbol: did you mean BTC-KRW\?/],
  ["upbit:BTC-KRW", /is not a stream: write exchange:BASE-QUOTE@channel/],
  ["upbit:BTC-KRW@trades", /there is no channel "trades": use ticker or trade/],
  ["upbit:BTC-KRW@trade@2s", /there is no rate "2s"/],
  ["upbit:KRW-*@ticker", /"KRW-\*" stands for no symbols: did you mean \*-KRW\?/],
])("%s: one clear line, exit status 2", async (name, line) => {
  const { err, out, code } = tail("upbit:ETH-KRW@trade", name);
  expect(await code).toBe(2);
  expect(err.left).toEqual([expect.stringMatching(line)]);
  expect(out.left).toEqual([]);
});

test("an address that is none, an option that is none", async () => {
  const bad = tail(TRADES, "--url", "localhost:8787");
  expect(await bad.code).toBe(2);
  expect(bad.err.left).toEqual([expect.stringMatching(/^"localhost:8787" is not where Tickcast can be/)]);
  expect(await tail(TRADES, "--nope").code).toBe(2);
});

test("an instrument that the server refuses: what the server says, once, exit status 2", async () => {
  const feed = await fakeFeed();
  const { err, code } = tail("upbit:NOPE-KRW@trade", "--url", feed.url);
  const peer = await feed.peer();
  peer.send({ op: "error", code: "unknown_instrument", message: "upbit has no NOPE-KRW", retryable: false });
  peer.socket.close(4204, "unknown_instrument");
  expect(await code).toBe(2);
  expect(err.left).toEqual(["upbit has no NOPE-KRW"]);
});

test("a server that is away: says so once, keeps trying", async () => {
  const gone = await fakeFeed();
  await gone.stop();
  const { err, out } = tail(TRADES, "--url", gone.url);
  expect(await err.take()).toBe(`no connection to ${gone.url}: trying again`);
  const feed = await fakeFeed(Number(new URL(gone.url).port));
  await begin(await feed.peer());
  expect(await out.take()).toMatch(/#50/);
  expect(err.left).toEqual([]);
});

test("a reader that goes away ends it without complaint", async () => {
  const { child, err, peer, code } = await tailing();
  child.stdout?.destroy();
  peer.data(trade(5, 6), trade(6, 7));
  expect(await code).toBe(0);
  expect(err.left).toEqual([]);
});

/** What a relay counts, as the ingestor of its exchange is told it in the answers to its reports. */

import { env } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { type CountsByExchange, type EdgeCounts, edgeCounts, sumCounts } from "../../protocol/edge-counts.ts";
import { type MultiServerFrame, multiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { servePartition } from "../testing/partition-publisher.ts";
import { LIVE, ticker, trade } from "../testing/test-events.ts";
import { TestSocket, upgrade } from "../testing/test-socket.ts";

const EXCHANGE = "counted";
const NOTHING = edgeCounts.parse({});
const relay = env.FANOUT_RELAY.getByName("counted-0");

/** Reports until what the ingestor was told in all, and is told of now, is right. */
async function toldUntil(sums: Map<string, EdgeCounts>, check: () => void): Promise<void> {
  const report = { status: LIVE, kafka: "up" as const, lastEventTime: null, term: 1, hints: [], partitions: 1 };
  await vi.waitFor(
    async () => {
      const { relays = {} } = await env.REGISTRY.getByName("registry").putReport(EXCHANGE, report);
      add(sums, relays);
      check();
    },
    { timeout: 8000 },
  );
}

function add(sums: Map<string, EdgeCounts>, relays: CountsByExchange): void {
  for (const [exchange, counts] of Object.entries(relays)) {
    const before = { ...(sums.get(exchange) ?? NOTHING), clients: 0, streams: 0 };
    sums.set(exchange, sumCounts(before, counts));
  }
}

const items = (clients: readonly TestSocket<MultiServerFrame>[]) =>
  clients.flatMap(({ seen }) => seen.flatMap((frame) => (frame.op === "data" ? frame.data : []))).length;

it("is what its clients were sent, how their subscriptions went, and why they were closed", async () => {
  const { btc, eth, publisher } = await servePartition(EXCHANGE);
  const open = async () => new TestSocket(await upgrade(relay, "https://relay/"), multiServerFrame);
  const [one, two] = [await open(), await open()];
  one.send({ op: "subscribe", id: 1, streams: [`${EXCHANGE}:*-KRW@trade@raw`] });
  await publisher.socket.next("cadence");
  await publisher.begin();
  await one.next("subscribed");
  two.send({ op: "subscribe", id: 1, streams: [`${btc}@trade@raw`, `${btc}@ticker@100ms`, "*:*-KRW@ticker@1s"] });
  await two.next("subscribed");
  publisher.push([trade(5, btc), trade(6, eth), ticker(7, btc)]);
  await vi.waitFor(() => expect(items([one, two])).toBe(2 + 3));
  two.send({ op: "subscribe", id: 2, streams: [`${eth}@trade@raw`], from: { [publisher.epoch]: 5 } });
  await publisher.answerReplay();
  await two.next("subscribed");
  await vi.waitFor(() => expect(items([one, two])).toBe(2 + 4));
  const sums = new Map<string, EdgeCounts>();
  await toldUntil(sums, () => {
    expect(sums.get(EXCHANGE)).toMatchObject({ items: items([one, two]), streams: 4 });
    expect(sums.get("")).toMatchObject({ clients: 2, streams: 1, closes: {} });
  });
  expect(sums.get(EXCHANGE)?.resumes).toEqual({ began_anew: 4, recovered: 1 });
  one.ws.send("x".repeat(200_000));
  await one.closed;
  // With the last client goes what is wanted, and the relay may sleep: it says so before.
  two.ws.close(1000);
  await toldUntil(sums, () => expect(sums.get("")?.closes).toEqual({ bad_request: 1, left: 1 }));
  expect(sums.get("")).toMatchObject({ clients: 0, items: 0 });
  const frames = [one, two].flatMap(({ seen }) => seen).filter(({ op }) => op !== "error");
  expect(sums.get("")?.frames).toBe(frames.length);
  expect(sums.get("")?.bytes).toBe(frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0));
  expect(sums.get(EXCHANGE)).toMatchObject({ items: items([one, two]), streams: 0 });
});

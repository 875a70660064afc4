/** The pusher between a log in memory and a WebSocket server instead of the edge, whose feeds store what the test lets them. */

import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { until } from "../../local/testing.ts";
import type { TickerEvent, TradeEvent } from "../../protocol/events.ts";
import { EdgeClient } from "./edge-client.ts";
import { EdgeTotals } from "./edge-totals.ts";
import { Pusher } from "./pusher.ts";
import { RingMemory } from "./ring-memory.ts";
import { CommittedLog } from "./testing/committed-log.ts";
import { FakeEdge, type PartitionTap } from "./testing/fake-edge.ts";

const [BTC, ETH] = ["upbit:BTC-KRW", "upbit:ETH-KRW"];

describe("the pusher", () => {
  let edge: FakeEdge;
  let log: CommittedLog;
  let pusher: Pusher;
  let ringMemory: RingMemory;
  let id: number;
  let partition: PartitionTap;

  beforeEach(async () => {
    [id, log, edge] = [0, new CommittedLog(), await FakeEdge.start()];
    partition = edge.partition;
    const client = new EdgeClient({ url: edge.url, token: "secret", source: "live" });
    const logger = pino({ level: "silent" });
    ringMemory = new RingMemory(1_000_000);
    const limits = { idleBatch: 30_000, memory: 1_000_000, parkBytes: 5000, ringMemory };
    pusher = new Pusher({
      exchange: "upbit",
      source: "live",
      reader: log,
      edge: client,
      logger,
      ...limits,
      totals: new EdgeTotals("upbit"),
    });
    await pusher.start();
    log.announce({ state: "live", source: "simulated", since: 1 });
  });
  afterEach(async () => {
    await pusher.stop();
    await edge.stop();
  });

  const feed = (symbol: string) => edge.feed(symbol);
  function tickerEvent(): TickerEvent {
    const none = { open: null, high: null, low: null, prevClose: null, change: null, changePct: null };
    const volumes = { baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null };
    const rest = { size: null, side: null, ...none, window: "utc-day", ...volumes, status: null } as const;
    return { type: "ticker", instrument: BTC ?? "", price: "1", ...rest, time: 1, received: 1 };
  }
  function tick(): void {
    log.append(tickerEvent());
  }
  function trade(instrument = BTC, count = 1): void {
    for (let i = 0; i < count; i += 1) {
      id += 1;
      const rest = { price: "1", size: "1", side: "buy", time: 1, received: 1, snapshot: false } as const;
      log.append({ type: "trade", instrument: instrument ?? "", id: `${id}`, ...rest } satisfies TradeEvent);
    }
  }

  it("waits with dialling until the registry knows the markets", async () => {
    trade();
    await until(() => pusher.bytes > 0);
    expect(edge.feeds.size).toBe(0);
    pusher.open([BTC ?? ""]);
    await until(() => feed("BTC-KRW").seen.length === 1);
  });

  it("tells every feed what has expired, also one that is opened later", async () => {
    pusher.open([BTC ?? ""]);
    trade();
    await until(() => feed("BTC-KRW").seen.length === 1);
    pusher.expired(0, feed("BTC-KRW").epoch ?? "", { seq: 90, since: 1, until: 2 });
    pusher.open([BTC ?? "", ETH ?? ""]);
    await until(() => feed("BTC-KRW").seen.includes(90) && feed("ETH-KRW").seen.includes(90));
    expect(feed("BTC-KRW").gaps).toEqual([{ cause: "log_expired", since: 1, until: 2, state: "lost" }]);
  });

  it("lets go of an instrument that is delisted and refused, but not at once", async () => {
    feed("ETH-KRW").refuses = true;
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(ETH);
    await until(() => feed("ETH-KRW").connections > 0 && pusher.bytes > 0);
    pusher.open([BTC ?? ""]);
    expect(pusher.bytes).toBeGreaterThan(0);
    // A minute later, once the refusal has come through.
    await until(() => {
      pusher.open([BTC ?? ""], Date.now() + 61_000);
      return pusher.bytes === 0;
    });
  });

  it("retires what has left the list once it is acked, and goes on when it is back as if nothing had been", async () => {
    const [btc, eth] = [feed("BTC-KRW"), feed("ETH-KRW")];
    eth.acks = false;
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(ETH);
    trade(BTC);
    await until(() => eth.seen.length === 1 && btc.seen.length === 1);
    pusher.open([BTC ?? ""]);
    trade(BTC);
    await until(() => btc.seen.length === 2);
    expect(eth.told).toEqual([]);
    eth.ackAll();
    await until(() => eth.socket?.readyState === WebSocket.CLOSED);
    expect([eth.told, pusher.bytes]).toEqual([[{ op: "retired" }], 0]);
    eth.acks = true;
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(ETH);
    await until(() => eth.seen.length === 2);
    expect([eth.connections, btc.connections, btc.told]).toEqual([2, 1, []]);
  });

  it("retires nothing that comes back to the list in time, nor what was never on it", async () => {
    feed("ETH-KRW").acks = false;
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(ETH);
    trade("upbit:NEW-KRW");
    await until(() => feed("ETH-KRW").seen.length === 1 && feed("NEW-KRW").seen.length === 1);
    pusher.open([BTC ?? ""]);
    pusher.open([BTC ?? "", ETH ?? ""]);
    feed("ETH-KRW").ackAll();
    trade(ETH);
    trade("upbit:NEW-KRW");
    await until(() => feed("ETH-KRW").seen.length === 2 && feed("NEW-KRW").seen.length === 2);
    expect([feed("ETH-KRW").told, feed("NEW-KRW").told]).toEqual([[], []]);
  });

  it("has the clients of every feed that anyone listens to reconnect, once for each order", async () => {
    feed("ETH-KRW").rates = [];
    pusher.open([BTC ?? "", ETH ?? ""]);
    await until(() => feed("BTC-KRW").connections === 1 && feed("ETH-KRW").connections === 1);
    trade(BTC);
    await until(() => feed("BTC-KRW").seen.length === 1);
    for (const id of ["one", "one", "two"]) pusher.drain({ id, within: 3000 });
    await until(() => feed("BTC-KRW").told.length === 2);
    expect(feed("BTC-KRW").told).toEqual([
      { op: "drain", within: 3000 },
      { op: "drain", within: 3000 },
    ]);
    expect(feed("ETH-KRW").told).toEqual([]);
  });

  it("commits only what every feed has acked", async () => {
    feed("ETH-KRW").acks = false;
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(BTC, 3);
    trade(ETH);
    trade(BTC, 3);
    await until(() => feed("BTC-KRW").seen.length === 6 && feed("ETH-KRW").seen.length === 1);
    // The status has offset 2, the trade of ETH offset 6.
    await until(() => log.commits.at(-1) === 6);
    feed("ETH-KRW").acks = true;
    feed("ETH-KRW").socket?.terminate();
    await until(() => log.commits.at(-1) === 10);
    expect([feed("ETH-KRW").connections, pusher.bytes]).toEqual([2, 0]);
  });

  it("reads the log again for a feed that was away for too long, while its neighbours go on", async () => {
    pusher.open([BTC ?? "", ETH ?? ""]);
    trade(BTC);
    trade(ETH);
    await until(() => feed("BTC-KRW").seen.length === 1 && feed("ETH-KRW").seen.length === 1);
    feed("ETH-KRW").acks = false;
    trade(ETH, 100);
    trade(BTC, 100);
    await until(() => feed("BTC-KRW").seen.length === 101);
    feed("ETH-KRW").acks = true;
    feed("ETH-KRW").socket?.terminate();
    trade(ETH, 100);
    await until(() => feed("ETH-KRW").seen.length === 201);
    await until(() => log.commits.at(-1) === 3 + 302);
    expect(pusher.bytes).toBe(0);
  });

  it("keeps no parked feed waiting for another one that never acks", async () => {
    const [btc, eth] = [feed("BTC-KRW"), feed("ETH-KRW")];
    pusher.open([BTC ?? "", ETH ?? ""]);
    for (const one of [btc, eth]) one.acks = false;
    trade(ETH);
    trade(BTC);
    await until(() => btc.seen.length === 1 && eth.seen.length === 1);
    trade(ETH, 2000);
    trade(BTC, 2000);
    await until(() => pusher.parked === 2);
    eth.socket?.terminate();
    await until(() => eth.seen.length > 50);
    btc.acks = true;
    btc.socket?.terminate();
    await until(() => btc.seen.length === 2001);
    expect(eth.seen.length).toBeLessThan(2001);
    // Nor is it forgotten: it gets the rest when it acks.
    eth.acks = true;
    eth.ackAll();
    await until(() => eth.seen.length === 2001 && log.commits.at(-1) === 3 + 4002);
    expect(pusher.bytes).toBe(0);
  });

  it("gives back the memory of a partition that is no longer its own", async () => {
    feed("BTC-KRW").acks = false;
    pusher.open([BTC ?? ""]);
    trade(BTC, 5);
    await until(() => feed("BTC-KRW").seen.length === 5);
    expect(pusher.bytes).toBeGreaterThan(0);
    pusher.revoked(0);
    expect(pusher.bytes).toBe(0);
    await until(() => edge.server.clients.size === 0);
    expect(pusher.bytes).toBe(0);
  });

  it("sends the partition's feed nothing but what it asks for: a list, or every event", async () => {
    feed("BTC-KRW").rates = ["raw"];
    pusher.open([BTC ?? ""]);
    await until(() => partition.socket !== undefined);
    tick();
    trade(BTC, 20);
    await until(() => feed("BTC-KRW").seen.length === 21);
    expect(partition.seen).toEqual([]);
    partition.say({ op: "read" });
    await until(() => partition.seen.length === 1);
    expect(partition.seen).toMatchObject([
      { op: "tickers", from: 1, through: 23, tickers: [{ instrument: BTC, seq: 3, source: "simulated" }], more: false },
    ]);
    partition.say({ op: "cadence", rates: ["raw"] });
    await until(() => partition.seen.some(({ op }) => op === "batch"));
    trade(BTC, 3);
    const events = () => partition.seen.flatMap((frame) => (frame.op === "batch" ? frame.events : []));
    await until(() => events().length === 3);
    expect(events().map(({ seq, event }) => [seq, event.type])).toEqual([24, 25, 26].map((seq) => [seq, "trade"]));
    partition.say({ op: "replay", id: "r", epoch: feed("BTC-KRW").epoch, from: 20, instruments: null });
    await until(() => partition.seen.some(({ op }) => op === "replayed"));
    const replayed = partition.seen.find((frame) => frame.op === "replayed");
    expect(replayed).toMatchObject({ id: "r", from: 20, through: 26, more: false, complete: true });
    expect(replayed?.events.map(({ seq }) => seq)).toEqual([21, 22, 23, 24, 25, 26]);
  });

  it("has for lists what another pusher has read before the commit, also while nothing new is logged", async () => {
    const value = JSON.stringify(tickerEvent());
    const origin = { kind: "event", incarnation: "e", term: 1 } as const;
    const record = { offset: 70, logged: 7000, key: BTC ?? "", value, type: "ticker", origin } as const;
    const last = new Map([[BTC ?? "", 70]]);
    pusher.resumed(0, "e-0", { offset: 90, from: 60, last, recent: { after: 60, records: [record] } });
    pusher.open([BTC ?? ""]);
    await until(() => partition.socket !== undefined);
    partition.say({ op: "read" });
    await until(() => partition.seen.length === 1);
    expect(partition.seen).toMatchObject([
      { op: "tickers", epoch: "e-0", from: 60, through: 89, tickers: [{ instrument: BTC, seq: 70 }], asOf: 7000 },
    ]);
  });

  it("gives back the memory of the last minute with the partition", async () => {
    pusher.open([BTC ?? ""]);
    trade(BTC, 5);
    await until(() => feed("BTC-KRW").seen.length === 5);
    expect(ringMemory.bytes).toBeGreaterThan(500);
    pusher.revoked(0);
    expect(ringMemory.bytes).toBe(0);
  });

  it("comes back after being replaced only when the group has confirmed that the partition is its own", async () => {
    pusher.open([BTC ?? ""]);
    trade(BTC);
    await until(() => feed("BTC-KRW").seen.length === 1);
    // Deliveries confirm, in memory: none until the test wants one.
    log.pause();
    feed("BTC-KRW").socket?.send('{"op":"replaced"}');
    feed("BTC-KRW").socket?.close(1000);
    await until(() => partition.socket !== undefined);
    partition.say({ op: "replaced" });
    partition.socket?.close(1000);
    await until(() => edge.server.clients.size === 0);
    trade(BTC);
    expect([feed("BTC-KRW").connections, partition.connections]).toEqual([1, 1]);
    log.resume();
    await until(() => feed("BTC-KRW").seen.length === 2 && partition.connections === 2);
    expect(feed("BTC-KRW").connections).toBe(2);
  });
});

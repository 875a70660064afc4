/** A shard against a server that says what the test wants; against whole exchanges: `collector.test.ts`, `rotation.test.ts`. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { until } from "../../../local/testing.ts";
import type { MarketEvent, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Exchange, Parsed } from "../../exchanges/exchange.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { MemoryLog } from "../../log/memory.ts";
import { Backfiller } from "../backfill/backfiller.ts";
import { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { FrameProcessor } from "../frames/frame-processor.ts";
import { SuspectedGaps } from "../gap-detection/suspected-gaps.ts";
import { RateLimiter } from "../limits/rate-limiter.ts";
import { ConnectionShard } from "./connection-shard.ts";

const [A, B] = ["upbit:A-KRW", "upbit:B-KRW"];
const MARKETS = upbit.readMarkets('[{"market":"KRW-A"},{"market":"KRW-B"}]');
const PLENTY = { count: 1000, per: 1000 };

function trade(instrument: string, id: number, time: number, fields: Partial<TradeEvent> = {}): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, time, ...rest, ...fields };
}

function ticker(instrument: string, time: number): TickerEvent {
  const nothing = { size: null, side: null, open: null, high: null, low: null, prevClose: null, change: null };
  const more = { changePct: null, baseVolume24h: null, quoteVolume24h: null, bid: null, ask: null, status: null };
  return { type: "ticker", instrument, price: "1", window: "24h", time, received: time, ...nothing, ...more };
}

class Log extends MemoryLog {
  readonly events: MarketEvent[] = [];
  override append(event: MarketEvent): void {
    this.events.push(event);
  }
  get trades(): TradeEvent[] {
    return this.events.filter((event) => event.type === "trade");
  }
  ids(instrument: string): number[] {
    return this.trades.filter((one) => one.instrument === instrument).map(({ id }) => Number(id));
  }
  gaps(instrument: string) {
    return this.events.filter((event) => event.type === "gap").filter((gap) => gap.instrument === instrument);
  }
}

describe("a connection shard", () => {
  let server: WebSocketServer;
  /** In the order in which they were opened. */
  let sockets: WebSocket[];
  let log: Log;
  let backfiller: Backfiller;
  let processor: FrameProcessor;
  let shard: ConnectionShard | undefined;

  beforeEach(async () => {
    [sockets, shard, log] = [[], undefined, new Log()];
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) => sockets.push(socket));
    await once(server, "listening");
  });
  afterEach(() => {
    shard?.stop();
    backfiller.stop();
    for (const socket of sockets) socket.terminate();
    server.close();
  });

  /** A frame processor whose history tells of `told`; frames are what a parser would make of them. */
  function open(proof: Exchange["proof"], told: readonly TradeEvent[] = []): void {
    const history: Exchange["history"] = {
      ...upbit.history,
      async *trades({ instrument }) {
        yield told.filter((one) => one.instrument === instrument).toReversed();
        return 0;
      },
    };
    const parser = () => (text: string) => JSON.parse(text) as Parsed;
    const exchange: Exchange = { ...upbit, history, proof, parser };
    const logger = pino({ level: "silent" });
    const deduplicator = new TradeDeduplicator([{ events: [], completeFrom: 0, completeUntil: null }], () => 0);
    backfiller = new Backfiller({
      history,
      restUrl: "http://nowhere",
      deduplicator,
      market: (instrument) => MARKETS.find((market) => market.instrument === instrument),
      listed: Promise.resolve(),
      append: (event) => log.append(event),
      onBody: () => undefined,
      overloaded: () => false,
      logger,
    });
    processor = new FrameProcessor({ exchange, writer: log, deduplicator, backfiller, logger });
  }

  /** A shard of both markets whose connections start when two requests are confirmed. */
  function run(): ConnectionShard {
    const feed = {
      ...upbit.feed,
      subscribe: () => ["1", "2"].map((id) => ({ frame: id, id })),
      sends: PLENTY,
    };
    shard = new ConnectionShard(MARKETS, {
      feed,
      wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      connects: new RateLimiter(PLENTY),
      processor,
      backpressureReason: () => undefined,
      logger: pino({ level: "silent" }),
      onState: () => undefined,
    });
    void shard.run();
    return shard;
  }
  const say = (socket: WebSocket | undefined, parsed: Parsed) => socket?.send(JSON.stringify(parsed));
  const bring = (socket: WebSocket | undefined, ...events: (TradeEvent | TickerEvent)[]) =>
    say(socket, { kind: "events", events });
  const confirm = (socket: WebSocket | undefined, ...ids: string[]) => {
    for (const request of ids) say(socket, { kind: "accepted", request });
  };
  async function opened(count: number): Promise<WebSocket | undefined> {
    await until(() => sockets.length === count);
    return sockets[count - 1];
  }

  it("proves nothing by a connection that never starts", async () => {
    open("ticker-time", [trade(A, 1, 990_000), trade(A, 2, 1_003_000)]);
    const one = run();
    const first = await opened(1);
    confirm(first, "1", "2");
    bring(first, trade(A, 1, 990_000), trade(B, 1, 1_001_000));
    await until(() => log.trades.length === 2);
    first?.terminate();
    const second = await opened(2);
    confirm(second, "1");
    // Old enough to show that nothing was traded; but the trades that follow do not come over it.
    bring(second, ticker(A, 990_000));
    await until(() => processor.counts.frames === 5);
    second?.terminate();
    const third = await opened(3);
    confirm(third, "1", "2");
    bring(third, ticker(A, 1_003_000));
    await until(() => one.live && log.gaps(A).some(({ state }) => state !== "open"));
    expect([log.gaps(A).map(({ state }) => state), log.ids(A)]).toEqual([
      ["open", "healed"],
      [1, 2],
    ]);
  });

  it("lets a successor go that has not started when its predecessor ends", async () => {
    open("trade-ids");
    const one = run();
    const first = await opened(1);
    confirm(first, "1", "2");
    bring(first, trade(A, 1, 1000));
    await until(() => log.trades.length === 1);
    say(first, { kind: "leaving" });
    const successor = await opened(2);
    const gone = once(successor ?? server, "close");
    first?.terminate();
    await gone;
    const third = await opened(3);
    confirm(third, "1", "2");
    await until(() => one.live);
    bring(third, trade(A, 2, 1100), trade(A, 3, 1200));
    await until(() => log.trades.length === 3);
    expect([log.ids(A), one.rotations, log.gaps(A)]).toEqual([[1, 2, 3], 0, []]);
  });

  it("takes no price back, and repeats nothing, when a successor takes over", async () => {
    open("trade-ids");
    const one = run();
    const first = await opened(1);
    confirm(first, "1", "2");
    bring(first, trade(A, 0, 999));
    await until(() => log.trades.length === 1);
    say(first, { kind: "leaving" });
    const successor = await opened(2);
    confirm(successor, "1", "2");
    // More than is remembered of a market otherwise.
    const count = 2500;
    for (let i = 1; i <= count; i += 1) {
      for (const socket of [first, successor]) bring(socket, trade(A, i, 1000 + i), ticker(A, 1000 + i));
    }
    await until(() => one.rotations === 1);
    bring(successor, trade(A, count + 1, 9000), ticker(A, 9000));
    await until(() => log.ids(A).includes(count + 1));
    expect(log.ids(A)).toEqual(Array.from({ length: count + 2 }, (_, i) => i));
    const times = log.events.flatMap((event) => (event.type === "ticker" ? [event.time] : []));
    expect(times).toEqual([...Array.from({ length: count }, (_, i) => 1001 + i), 9000]);
  });

  it("relies on its own trades, not on those of other shards", async () => {
    open("trade-ids", [trade(A, 1, 1000), trade(A, 2, 5000), trade(A, 3, 20_000)]);
    const one = run();
    const first = await opened(1);
    confirm(first, "1", "2");
    bring(first, trade(A, 1, 1000));
    await until(() => log.trades.length === 1);
    // Another connection brings what it has for half a minute while this one is silent.
    const other = trade(B, 7, 31_000);
    processor.take({ parsed: { kind: "events", events: [other] }, received: 31_000 }, new SuspectedGaps());
    first?.terminate();
    const second = await opened(2);
    confirm(second, "1", "2");
    await until(() => one.live);
    bring(second, trade(A, 4, 31_500));
    await until(() => log.gaps(A).some(({ state }) => state === "healed"));
    expect(log.ids(A).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(log.gaps(A)[0]?.since).toBe(500);
  });
});

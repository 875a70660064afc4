/** The collector against the simulated exchange, with the log in memory. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { defaultListings } from "../../local/simulator/catalogue.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../local/simulator/simulator.ts";
import { until } from "../../local/testing.ts";
import type { GapEvent, MarketEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import type { CollectorStatus, Tail } from "../log/log.ts";
import { MemoryLog } from "../log/memory.ts";
import { Collector } from "./collector.ts";

const BTC = "upbit:BTC-KRW";

/** The log in memory, with what an earlier collector has left in it, and what a test wants to see. */
class Log extends MemoryLog {
  readonly events: MarketEvent[] = [];
  readonly states: CollectorStatus["state"][] = [];
  tails: readonly Tail[] = [{ events: [], completeFrom: 0, completeUntil: null }];
  full = false;

  override get overloaded(): boolean {
    return this.full;
  }
  override async open(): Promise<readonly Tail[]> {
    return this.tails;
  }
  override append(event: MarketEvent): void {
    this.events.push(event);
  }
  override announce({ state }: CollectorStatus): void {
    if (this.states.at(-1) !== state) this.states.push(state);
  }
  get trades(): TradeEvent[] {
    return this.events.filter((event) => event.type === "trade");
  }
  gaps(instrument = BTC): GapEvent[] {
    return this.events.filter((event) => event.type === "gap").filter((gap) => gap.instrument === instrument);
  }
}

describe("a collector", () => {
  let simulator: Simulator;
  let log: Log;
  let collector: Collector;
  let lists: (readonly Market[])[];
  let warnings: string[];

  beforeEach(() => {
    [log, lists, warnings] = [new Log(), [], []];
  });
  afterEach(async () => {
    await collector.stop();
    await simulator.stop();
  });

  async function start(options: SimulatorOptions = {}, marketsPeriod = 60_000, elsewhere?: string): Promise<void> {
    simulator = await startSimulator({ paused: true, ...options });
    const { wsUrl, restUrl } = simulator;
    const sink = { write: (line: string) => void warnings.push(line) };
    collector = new Collector({
      exchange: upbit,
      wsUrl: elsewhere ?? wsUrl,
      restUrl,
      source: "simulated",
      writer: log,
      logger: pino({ level: "warn" }, sink),
      onMarkets: (markets) => lists.push(markets),
      onStatus: () => undefined,
      marketsPeriod,
    });
    void collector.run();
  }
  const live = () => until(() => collector.status.state === "live" && simulator.state().sockets === 1);
  /** Executes trades and waits until they are in the log. */
  async function traded(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) simulator.engine.execute("KRW-BTC");
    const last = `${simulator.engine.log.last("KRW-BTC")?.id}`;
    await until(() => log.trades.some(({ id }) => id === last));
  }

  it("logs every trade once, whatever the exchange repeats", async () => {
    await start();
    await live();
    await traded(20);
    simulator.faults.inject({ fault: "repeat", count: 20 });
    await until(() => collector.counts.repeats >= 20);
    await traded(1);
    const ids = log.trades.map(({ instrument, id }) => `${instrument}/${id}`);
    expect(new Set(ids).size).toBe(ids.length);
    expect(log.gaps()).toEqual([]);
  });

  it("announces a hole on a disconnect, and takes the repeated trade only if it was missed", async () => {
    await start();
    await live();
    await traded(3);
    const lastSeen = log.trades.at(-1)?.time ?? 0;
    simulator.faults.inject({ fault: "refuse", on: true });
    simulator.faults.inject({ fault: "drop" });
    await until(() => collector.status.state === "down");
    const missed = simulator.engine.execute("KRW-BTC");
    simulator.faults.inject({ fault: "refuse", on: false });
    await live();
    await until(() => log.trades.some(({ id }) => id === `${missed?.id}`));
    expect(log.trades.filter(({ id }) => id === `${missed?.id}`)).toMatchObject([{ snapshot: true, late: true }]);
    const [open, lost] = log.gaps();
    expect([open?.state, lost?.state, open?.cause]).toEqual(["open", "lost", "exchange_disconnect"]);
    expect(open?.since).toBe(lastSeen - 500);
    expect(open?.until).toBeGreaterThanOrEqual(lastSeen);
    expect(lost?.since).toBe(open?.since);
    expect(log.gaps("upbit:ETH-KRW").length).toBe(2);
    expect(log.states).toEqual(["down", "live", "down", "live"]);
    const ids = log.trades.map(({ instrument, id }) => `${instrument}/${id}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("says since when nobody has collected, and closes what its predecessor left open", async () => {
    const open: GapEvent = {
      type: "gap",
      instrument: BTC,
      received: null,
      cause: "exchange_disconnect",
      since: 100,
      until: 200,
      state: "open",
    };
    log.tails = [{ events: [open], completeFrom: 0, completeUntil: 5000 }];
    await start();
    await live();
    await until(() => log.gaps().length === 3);
    expect(log.gaps()).toMatchObject([
      { cause: "exchange_disconnect", since: 100, state: "lost" },
      { cause: "collector_restart", since: 4500, state: "open" },
      { cause: "collector_restart", since: 4500, state: "lost" },
    ]);
  });

  it("counts bad frames, and logs each kind once", async () => {
    await start();
    await live();
    await traded(1);
    // Of several lengths, so that they stop being JSON in several ways.
    const markets = ["KRW-BTC", "BTC-ETH", "USDT-BTC", "KRW-1INCH", "KRW-SHIB"];
    for (const market of markets) simulator.faults.inject({ fault: "bad", how: "malformed", market });
    await until(() => collector.counts.badFrames === markets.length);
    await traded(1);
    expect(warnings.filter((line) => line.includes("can't be read")).length).toBe(1);
  });

  it("takes a refusal for no connection: the hole stays open and the exchange is left in peace", async () => {
    log.tails = [{ events: [], completeFrom: 0, completeUntil: 5000 }];
    const refusing = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    let refusals = 0;
    refusing.on("connection", (socket) => {
      refusals += 1;
      socket.send(Buffer.from('{"error":{"name":"WRONG_FORMAT","message":"no"}}'));
      socket.close(1000);
    });
    await once(refusing, "listening");
    await start({}, 60_000, `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}`);
    await until(() => refusals === 3);
    await until(() => warnings.length === 3);
    expect([log.gaps(), log.states, collector.counts.reconnects]).toEqual([[], ["down"], 0]);
    refusing.close();
  });

  it("asks for a new listing on the same connection, and tells the registry", async () => {
    await start({}, 100);
    await live();
    const [listing] = defaultListings();
    if (listing === undefined) throw new Error("no market");
    simulator.engine.list({ ...listing, code: "KRW-NEWCOIN" });
    await until(() => lists.length === 2);
    expect(lists[1]?.some(({ instrument }) => instrument === "upbit:NEWCOIN-KRW")).toBe(true);
    await until(() => log.trades.some(({ instrument }) => instrument === "upbit:NEWCOIN-KRW"));
    expect(collector.counts.reconnects).toBe(0);
  });

  it("disconnects while the log can't keep up, and comes back", async () => {
    await start();
    await live();
    log.full = true;
    simulator.engine.execute("KRW-BTC");
    await until(() => collector.status.state === "down" && simulator.state().sockets === 0);
    log.full = false;
    await live();
    await until(() => log.gaps().length === 2);
  });

  it("can be stopped while there is no market list, and while it is refused", async () => {
    await start();
    await collector.stop();
    expect(lists).toEqual([]);
    await simulator.stop();
    await start();
    simulator.faults.inject({ fault: "refuse", on: true });
    await until(() => simulator.state().faults.refusedConnections > 0);
    await collector.stop();
  });
});

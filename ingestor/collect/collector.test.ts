/** The collector against the simulated exchange, with the log in memory. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { until } from "../../local/testing.ts";
import type { GapEvent, MarketEvent, TradeEvent } from "../../protocol/events.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { type SimulatorOptions, startSimulator } from "../../simulator/start-simulator.ts";
import { upbit as dialect } from "../../simulator/upbit/dialect.ts";
import type { UpbitSettings } from "../../simulator/upbit/settings.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import type { CollectorStatus, EarlierTail, LoggedStatus, RawFrame, Tail } from "../log/log.ts";
import { MemoryLog } from "../log/memory.ts";
import { Collector } from "./collector.ts";
import { MarketList } from "./market-list.ts";

const BTC = "upbit:BTC-KRW";

/** The log in memory, with what an earlier collector has left in it, and what a test wants to see. */
class Log extends MemoryLog {
  readonly events: MarketEvent[] = [];
  readonly states: CollectorStatus["state"][] = [];
  readonly statuses: LoggedStatus[] = [];
  readonly bodies: string[] = [];
  tails: readonly Tail[] = [{ events: [], completeFrom: 0, completeUntil: null }];
  /** What stands before the tail, once it has been read. */
  earlier: Promise<EarlierTail> | undefined;
  reading: AbortSignal | undefined;
  full = false;

  override get overloaded(): boolean {
    return this.full;
  }
  override async open(): Promise<readonly Tail[]> {
    return this.tails;
  }
  override async readBack(
    take: (partition: number, stretch: EarlierTail) => Promise<void> = async () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    this.reading = signal;
    if (this.earlier !== undefined) await take(0, await this.earlier);
  }
  override append(event: MarketEvent): void {
    this.events.push(event);
  }
  override announce(status: LoggedStatus): void {
    const { state } = status;
    this.statuses.push(status);
    if (this.states.at(-1) !== state) this.states.push(state);
  }
  override appendRaw({ rest }: RawFrame): void {
    if (rest !== undefined) this.bodies.push(rest.path);
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
  let list: MarketList;
  let collector: Collector;
  let left: Set<string>;
  let warnings: string[];

  beforeEach(() => {
    [log, left, warnings] = [new Log(), new Set(), []];
  });
  afterEach(async () => {
    list.stop();
    await collector.stop();
    await simulator.stop();
  });

  async function start(
    options: SimulatorOptions<UpbitSettings> = {},
    more: { wsUrl?: string; restUrl?: string; period?: number; prepare?: () => void } = {},
  ) {
    const markets = ["KRW-BTC", "KRW-ETH", "BTC-ETH", "USDT-BTC", "KRW-1INCH", "KRW-SHIB"];
    const listings = dialect.listings().filter(({ code }) => markets.includes(code));
    simulator = await startSimulator({ paused: true, listings, ...options });
    more.prepare?.();
    const sink = { write: (line: string) => void warnings.push(line) };
    const logger = pino({ level: "warn" }, sink);
    list = new MarketList(upbit, more.restUrl ?? simulator.restUrl, logger);
    collector = new Collector({
      exchange: upbit,
      wsUrl: more.wsUrl ?? simulator.wsUrl,
      restUrl: simulator.restUrl,
      source: "simulated",
      writer: log,
      term: 1,
      list,
      wanted: ({ instrument }) => !left.has(instrument),
      logger,
      onStatus: () => undefined,
    });
    void list.run(more.period ?? 60_000, () => collector.refresh());
    void collector.start();
  }
  const live = () => until(() => collector.status.state === "live" && simulator.state().sockets === 1);
  const healed = () => until(() => collector.counts.openGaps === 0 && collector.counts.gaps > 0);
  function execute(count: number, market = "KRW-BTC"): string {
    for (let i = 0; i < count; i += 1) simulator.engine.execute(market);
    return `${simulator.engine.log.last(market)?.id}`;
  }
  /** Executes trades and waits until they are in the log. */
  async function traded(count: number, market = "KRW-BTC"): Promise<void> {
    const last = execute(count, market);
    await until(() => log.trades.some(({ id }) => id === last));
  }
  /** Cuts the connection, does what is to be missed, and lets the collector back in. */
  async function away(miss: () => void): Promise<void> {
    simulator.faults.inject({ fault: "refuse", on: true });
    simulator.faults.inject({ fault: "drop" });
    await until(() => collector.status.state === "down");
    miss();
    simulator.faults.inject({ fault: "refuse", on: false });
    await live();
  }
  const idsOf = (instrument: string) =>
    log.trades.filter((trade) => trade.instrument === instrument).map(({ id }) => id);
  function expectEachOnce(): void {
    const ids = log.trades.map(({ instrument, id }) => `${instrument}/${id}`);
    expect(ids.length - new Set(ids).size).toBe(0);
  }

  it("logs every trade once, whatever the exchange repeats", async () => {
    await start();
    await live();
    await traded(20);
    simulator.faults.inject({ fault: "repeat", count: 20 });
    await until(() => collector.counts.repeats >= 20);
    await traded(1);
    expectEachOnce();
    expect(log.gaps()).toEqual([]);
  });

  it("announces what it may have missed, fetches it while live trades go on, and says that it has it all", async () => {
    await start();
    await live();
    await traded(3);
    const lastSeen = log.trades.at(-1)?.time ?? 0;
    await away(() => execute(700));
    await traded(5);
    await healed();
    const [open, closed, ...more] = log.gaps();
    expect([open?.state, closed?.state, open?.cause, more]).toEqual(["open", "healed", "exchange_disconnect", []]);
    expect([open?.since, closed?.since]).toEqual([lastSeen - 500, lastSeen - 500]);
    expect(open?.until).toBeGreaterThanOrEqual(lastSeen);
    const executed = simulator.executed(0, 10_000).trades.filter(({ market }) => market === "KRW-BTC");
    expect(idsOf(BTC).sort()).toEqual(executed.map(({ id }) => id).sort());
    expectEachOnce();
    const late = log.trades.filter((trade) => trade.late === true && !trade.snapshot && trade.instrument === BTC);
    expect(late.length).toBe(699);
    expect(late.map(({ time }) => time)).toEqual(late.map(({ time }) => time).sort((a, b) => a - b));
    // Between the two gap events, the live ones among them.
    const at = (event: MarketEvent | undefined) => (event === undefined ? -1 : log.events.indexOf(event));
    expect(at(open)).toBeLessThan(at(late[0]));
    expect(at(late.at(-1))).toBeLessThan(at(closed));
    expect(log.bodies.length).toBeGreaterThanOrEqual(2);
    expect(log.states).toEqual(["down", "live", "down", "live"]);
  });

  it("spares those a gap whose ticker shows that nothing was traded", async () => {
    // A clock that was behind when the markets opened: their first trades are old.
    const begun = Date.now() - 60_000;
    let now = begun;
    await start({ now: () => now });
    await live();
    now = Date.now();
    await traded(1);
    await away(() => execute(1));
    await healed();
    const gaps = log.events.filter((event) => event.type === "gap");
    expect([...new Set(gaps.map(({ instrument }) => instrument))]).toEqual([BTC]);
  });

  it("relies on no trade that is dated in the future", async () => {
    let ahead = 0;
    await start({ now: () => Date.now() + ahead });
    await live();
    await traded(3);
    ahead = 3_600_000;
    await traded(1, "KRW-ETH");
    ahead = 0;
    await traded(1, "KRW-SHIB");
    await away(() => execute(20));
    await traded(1);
    await healed();
    const executed = simulator.executed(0, 10_000).trades.filter(({ market }) => market === "KRW-BTC");
    expect(idsOf(BTC).sort()).toEqual(executed.map(({ id }) => id).sort());
    expect(log.gaps().map(({ cause, state }) => [cause, state])).toEqual([
      ["exchange_disconnect", "open"],
      ["exchange_disconnect", "healed"],
    ]);
    expect(log.events.filter((event) => event.type === "gap" && event.until > Date.now() + 10_000)).toEqual([]);
    expect(warnings.filter((line) => line.includes("dated in the future")).length).toBe(1);
    expect(collector.counts.datedAhead).toBeGreaterThan(0);
    expectEachOnce();
  });

  it("calls lost what the exchange does not tell any more, and only that", async () => {
    await start();
    await live();
    await traded(3);
    await away(() => {
      execute(20);
      simulator.faults.inject({ fault: "forget" });
    });
    await traded(1);
    await healed();
    const [open, closed] = log.gaps();
    expect([open?.state, closed?.state, closed?.since]).toEqual(["open", "lost", open?.since]);
    // The last one of the twenty came as the repeat on connecting.
    expect(log.trades.filter((trade) => trade.late === true && trade.instrument === BTC)).toHaveLength(2);
    expectEachOnce();
  });

  it("goes on with what its predecessor left open, and tells since when nobody has collected", async () => {
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
    await healed();
    expect(log.gaps().filter(({ state }) => state === "open")).toMatchObject([
      { cause: "exchange_disconnect", since: 100 },
      { cause: "collector_restart", since: 4500 },
    ]);
    expect(log.gaps().filter(({ state }) => state !== "open").length).toBe(2);
  });

  describe("whose predecessor has left a gap open that began before the tail", () => {
    /** What was executed an hour ago, and when that began (ms). */
    let [old, begun]: [TradeEvent[], number] = [[], 0];
    let told: PromiseWithResolvers<EarlierTail>;

    beforeEach(async () => {
      let ahead = -3_600_000;
      told = Promise.withResolvers();
      const prepare = () => {
        begun = Date.now() + ahead + 500;
        old = Array.from({ length: 10 }, () => {
          ahead += 1000;
          const { id, timestamp: time } = simulator.engine.execute("KRW-BTC") ?? { id: 0, timestamp: 0 };
          const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
          return { type: "trade", instrument: BTC, id: `${id}`, time, ...rest };
        });
        ahead = 0;
        log.earlier = told.promise;
        const completeFrom = Date.now() - 60_000;
        log.tails = [{ events: [], completeFrom, completeUntil: Date.now(), unreadSince: begun }];
      };
      await start({ now: () => Date.now() + ahead }, { prepare });
      await live();
    });
    const open = (): GapEvent => {
      const until = (old.at(-1)?.time ?? 0) + 1;
      const rest = { cause: "exchange_disconnect", since: begun, until, state: "open", received: null } as const;
      return { type: "gap", instrument: BTC, ...rest };
    };
    const said = () => log.gaps().map(({ since, state }) => [since === begun ? "old" : "new", state]);

    it("collects and heals what is new at once, and that one when it knows what the log has had since", async () => {
      await traded(3);
      await away(() => execute(5));
      await traded(1);
      await until(() => said().some(([, state]) => state === "healed"));
      expect(said()).toEqual([
        ["new", "open"],
        ["new", "healed"],
      ]);
      expect(log.bodies.length).toBeGreaterThan(0);
      expect(idsOf(BTC)).toHaveLength(9);
      const logged = [0, 1, 2, 5].flatMap((i) => old[i] ?? []);
      told.resolve({ events: [open(), ...logged], completeFrom: begun - 1 });
      await until(() => said().length === 4);
      expect(said().slice(2)).toEqual([
        ["old", "open"],
        ["old", "healed"],
      ]);
      const late = old.filter((one) => !logged.includes(one)).map(({ id }) => id);
      expect(idsOf(BTC).slice(9)).toEqual(late);
      expectEachOnce();
    });

    it("calls lost only what stands before what could be kept of the log", async () => {
      const time = old[5]?.time ?? 0;
      told.resolve({ events: [open(), ...old.slice(5, 7)], completeFrom: time });
      await until(() => said().length === 2);
      expect(log.gaps()).toMatchObject([
        { state: "open", since: begun },
        { state: "lost", since: begun, until: time },
      ]);
      expect(idsOf(BTC)).toEqual(old.slice(7).map(({ id }) => id));
    });

    it("neither asks nor says anything any more when another has taken over", async () => {
      collector.abandon();
      expect(log.reading?.aborted).toBe(true);
      const before = [log.events.length, log.bodies.length];
      told.resolve({ events: [open()], completeFrom: begun - 1 });
      await log.earlier;
      await new Promise((resolve) => setImmediate(resolve));
      expect([log.events.length, log.bodies.length]).toEqual(before);
    });
  });

  it("fetches what a frame that can't be read may have told, and logs each kind of fault once", async () => {
    await start();
    await live();
    await traded(1);
    // Of several lengths, so that they stop being JSON in several ways.
    const markets = ["KRW-BTC", "BTC-ETH", "USDT-BTC", "KRW-1INCH", "KRW-SHIB"];
    for (const market of markets) simulator.faults.inject({ fault: "bad", how: "malformed", market });
    await until(() => collector.counts.badFrames === markets.length);
    await until(() => collector.counts.healed === markets.length);
    expect(log.gaps().map(({ cause, state }) => [cause, state])).toEqual([
      ["unreadable_frame", "open"],
      ["unreadable_frame", "healed"],
    ]);
    expect(warnings.filter((line) => line.includes("can't be read")).length).toBe(1);
  });

  it("goes on asking while the history is refused, and the gap stays open", async () => {
    await start();
    await live();
    await traded(1);
    simulator.faults.inject({ fault: "rest", status: 503, ms: 2500 });
    await away(() => execute(10));
    await until(() => log.gaps().length === 1);
    await healed();
    expect(log.gaps().map(({ state }) => state)).toEqual(["open", "healed"]);
    expect(idsOf(BTC).length).toBe(12);
    expectEachOnce();
  });

  it("takes a refusal for no connection: nothing is known to be missing yet, and the exchange is left in peace", async () => {
    log.tails = [{ events: [], completeFrom: 0, completeUntil: 5000 }];
    const refusing = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    let refusals = 0;
    refusing.on("connection", (socket) => {
      refusals += 1;
      socket.send(Buffer.from('{"error":{"name":"WRONG_FORMAT","message":"no"}}'));
      socket.close(1000);
    });
    await once(refusing, "listening");
    await start({}, { wsUrl: `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}` });
    await until(() => refusals === 3);
    expect([log.gaps(), log.states, collector.counts.reconnects]).toEqual([[], ["down"], 0]);
    expect(collector.status.detail).toContain("WRONG_FORMAT");
    refusing.close();
  });

  it("asks for a new listing on the same connection", async () => {
    await start({}, { period: 100 });
    await live();
    const [listing] = dialect.listings();
    if (listing === undefined) throw new Error("no market");
    simulator.engine.list({ ...listing, code: "KRW-NEWCOIN" });
    await until(() => log.trades.some(({ instrument }) => instrument === "upbit:NEWCOIN-KRW"));
    expect([collector.counts.reconnects, collector.counts.gaps]).toEqual([0, 0]);
  });

  it("leaves out what is not wanted, and fetches what it missed when that is wanted again", async () => {
    await start();
    await live();
    await traded(2);
    left.add(BTC);
    collector.refresh();
    await traded(1, "KRW-ETH");
    const missed = execute(5);
    await traded(1, "KRW-ETH");
    expect(idsOf(BTC)).not.toContain(missed);
    left.clear();
    collector.refresh();
    await healed();
    expect(log.gaps().map(({ cause, state }) => [cause, state])).toEqual([
      ["not_collected", "open"],
      ["not_collected", "open"],
      ["not_collected", "healed"],
    ]);
    expect(new Set(log.gaps().map(({ since }) => since)).size).toBe(1);
    expect(idsOf(BTC).length).toBe(8);
    expectEachOnce();
  });

  it("takes a market that leaves the exchange's list and returns for one that may have missed something", async () => {
    await start({}, { period: 100 });
    await live();
    await traded(2);
    const [listing] = dialect.listings();
    if (listing === undefined) throw new Error("no market");
    simulator.delist("KRW-BTC");
    await until(() => log.gaps().length === 1);
    simulator.engine.list(listing);
    execute(5);
    await until(() => log.gaps().some(({ state }) => state === "healed"));
    expect(new Set(log.gaps().map(({ cause, since }) => `${cause} ${since}`)).size).toBe(1);
    expect(idsOf(BTC)).toEqual(expect.arrayContaining([`${simulator.engine.log.last("KRW-BTC")?.id}`]));
    expectEachOnce();
  });

  it("keeps a market's gap open that its predecessor has left out, until it is wanted again", async () => {
    const since = Date.now() - 5000;
    const open = {
      type: "gap",
      instrument: BTC,
      received: null,
      cause: "not_collected",
      since,
      until: since,
      state: "open",
    } as const;
    log.tails = [{ events: [open], completeFrom: 0, completeUntil: Date.now() }];
    left.add(BTC);
    await start();
    await live();
    execute(5);
    await traded(1, "KRW-ETH");
    expect(log.gaps()).toEqual([]);
    left.clear();
    collector.refresh();
    await until(() => log.gaps().some(({ state }) => state === "healed"));
    expect(log.gaps().map((gap) => gap.since)).toEqual([since, since]);
    expect(idsOf(BTC).length).toBe(6);
  });

  it("tells its successor what is missing from the first moment on", async () => {
    const open = {
      type: "gap",
      instrument: BTC,
      received: null,
      cause: "exchange_disconnect",
      since: 100,
      until: 200,
      state: "open",
    } as const;
    log.tails = [{ events: [open], completeFrom: 0, completeUntil: 5000 }];
    await start({}, { restUrl: "http://127.0.0.1:9" });
    await until(() => log.statuses.length > 0);
    expect(log.statuses[0]).toMatchObject({ healing: 100, doubted: 5000 });
  });

  it("disconnects while the log can't keep up, and comes back", async () => {
    await start();
    await live();
    await traded(1);
    log.full = true;
    simulator.engine.execute("KRW-BTC");
    await until(() => collector.status.state === "down" && simulator.state().sockets === 0);
    log.full = false;
    await live();
    await healed();
    expect(log.gaps().at(-1)?.state).toBe("healed");
  });

  it("can be stopped while there is no market list, and while it is refused", async () => {
    await start();
    list.stop();
    await collector.stop();
    await simulator.stop();
    await start();
    simulator.faults.inject({ fault: "refuse", on: true });
    await until(() => simulator.state().faults.refusedConnections > 0);
    await collector.stop();
  });
});

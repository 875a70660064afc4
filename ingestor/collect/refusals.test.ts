/** The collector against whole simulated exchanges that refuse, ban, or answer oddly. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../local/testing.ts";
import type { Dialect } from "../../simulator/dialect.ts";
import { korbit as korbitDialect } from "../../simulator/korbit/dialect.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { upbit as upbitDialect } from "../../simulator/upbit/dialect.ts";
import type { Exchange } from "../exchanges/exchange.ts";
import { korbit } from "../exchanges/korbit/index.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import type { Tail } from "../log/log.ts";
import type { Collector } from "./collector.ts";
import type { MarketList } from "./markets/market-list.ts";
import { collect, simulate } from "./testing/collect.ts";
import { RecordingLog } from "./testing/recording-log.ts";

const CODES = ["KRW-BTC", "KRW-ETH", "KRW-XRP"];

/** Nothing was ever forgotten: so every trade can be judged. */
class Log extends RecordingLog {
  override async open(): Promise<readonly Tail[]> {
    return [{ events: [], completeFrom: 0, completeUntil: null }];
  }
}

let simulator: Simulator;
let log: Log;
let list: MarketList;
let collector: Collector;

/** Collects a simulated exchange. */
async function start(exchange: Exchange, dialect: Dialect, more: { codes?: string[]; restUrl?: string } = {}) {
  const codes = more.codes ?? CODES;
  const [like] = dialect.listings();
  if (like === undefined) throw new Error("no market");
  simulator = await simulate({ dialect, paused: true, listings: codes.map((code) => ({ ...like, code })) });
  log = new Log();
  ({ collector, list } = collect(exchange, simulator, log, { listUrl: more.restUrl }));
}
const live = () => until(() => collector.status.state === "live" && simulator.state().sockets === 1);
const healed = () => until(() => collector.counts.openGaps === 0 && collector.counts.gaps > 0);
async function cut(): Promise<void> {
  simulator.faults.inject({ fault: "drop" });
  await until(() => collector.status.state === "down");
}
/** A trade of a market is executed, and in the log. */
async function trades(code: string): Promise<void> {
  const before = log.events.length;
  simulator.engine.execute(code);
  await until(() => log.events.slice(before).some((event) => event.type === "trade"));
}

describe("a market that is delisted between two looks at the list", () => {
  it("costs the others no more than one refused request, and is gone from the list at once", async () => {
    await start(korbit, korbitDialect);
    await live();
    await trades("KRW-BTC");
    simulator.delist("KRW-ETH");
    await cut();
    await live();
    await until(() => list.markets.length === 2);
    // Forgotten again: the list says so itself by now.
    await until(() => collector.counts.refusedMarkets === 0);
    expect([collector.counts.markets, collector.status.detail]).toEqual([2, undefined]);
    await trades("KRW-BTC");
    await healed();
    expect(log.gapsOf("korbit:ETH-KRW").map(({ cause, state }) => [cause, state])).toEqual([["not_collected", "open"]]);
    expect(log.gapsOf("korbit:BTC-KRW").filter(({ state }) => state === "lost")).toEqual([]);
  });

  it("is left out, and said to be, while the list still has it; the others are collected", async () => {
    const rows = CODES.map((code) => ({ symbol: `${code.slice(4)}_krw`.toLowerCase(), status: "launched" }));
    let looks = 0;
    const listServer = createServer((_, response) => {
      looks += 1;
      response.end(JSON.stringify({ success: true, data: rows }));
    });
    onTestFinished(() => void listServer.close());
    listServer.listen(0, "127.0.0.1");
    await once(listServer, "listening");
    const restUrl = `http://127.0.0.1:${(listServer.address() as AddressInfo).port}`;
    await start(korbit, korbitDialect, { codes: ["KRW-BTC", "KRW-XRP"], restUrl });
    await live();
    expect(collector.counts).toMatchObject({ markets: 2, refusedMarkets: 1 });
    expect(collector.status.detail).toBe("refused by the exchange, and left out: eth_krw");
    await until(() => looks === 2);
    await trades("KRW-XRP");
  });
});

describe("a ban", () => {
  const ban = (retryAfter: string, ms: number, status = 418) =>
    simulator.faults.inject({ fault: "ban", status, retryAfter, ms });
  const asked = () => {
    const { bannedConnections, bannedRequests } = simulator.state().faults;
    return [bannedConnections, bannedRequests];
  };

  it.each([
    [418, "2"],
    [429, "2"],
    [503, "2"],
  ])("that the handshake hears of is known to the list and the history: %i", async (status, retryAfter) => {
    await start(upbit, upbitDialect);
    await live();
    await trades("KRW-BTC");
    ban(retryAfter, 1900, status);
    await cut();
    await until(() => asked()[0] === 1);
    list.refetch();
    simulator.engine.execute("KRW-BTC");
    await until(() => collector.status.detail?.includes("left alone until") === true);
    await live();
    await healed();
    expect([asked(), log.gapsOf("upbit:BTC-KRW").at(-1)?.state]).toEqual([[1, 0], "healed"]);
  });

  it("that the list hears of is known to the handshake and the history, and costs a living connection nothing", async () => {
    await start(upbit, upbitDialect);
    await live();
    // Seconds only: of those there are two to three.
    ban(new Date(Date.now() + 3000).toUTCString(), 1900, 429);
    list.refetch();
    await until(() => asked()[1] === 1);
    await trades("KRW-BTC");
    expect(collector.status.state).toBe("live");
    await cut();
    simulator.engine.execute("KRW-BTC");
    await live();
    await healed();
    expect(asked()).toEqual([0, 1]);
  });
});

it("a maintenance page in the place of the history loses nothing", async () => {
  await start(upbit, upbitDialect);
  await live();
  await trades("KRW-BTC");
  simulator.faults.inject({ fault: "refuse", on: true });
  await cut();
  for (let i = 0; i < 5; i += 1) simulator.engine.execute("KRW-BTC");
  simulator.faults.inject({ fault: "maintenance", ms: 4000 });
  simulator.faults.inject({ fault: "refuse", on: false });
  await until(() => simulator.state().faults.failedRequests >= 3);
  await healed();
  expect(log.gapsOf("upbit:BTC-KRW").map(({ state }) => state)).toEqual(["open", "healed"]);
  const executed = simulator.executed(0, 1000).trades.filter(({ market }) => market === "KRW-BTC");
  const ids = log.events.flatMap((event) =>
    event.type === "trade" && event.instrument === "upbit:BTC-KRW" ? event.id : [],
  );
  expect(ids.toSorted()).toEqual(executed.map(({ id }) => id).toSorted());
});

it.each([
  ["upbit", upbit, upbitDialect],
  ["korbit", korbit, korbitDialect],
] as const)("an odd row costs the list of %s nothing but itself, and is said", async (_name, exchange, dialect) => {
  await start(exchange, dialect, { codes: [...CODES, "KRW-A.B", "KRW-🚀"] });
  await live();
  expect(collector.counts).toMatchObject({ markets: 3, oddRows: 2 });
  expect(collector.status.detail).toContain("rows of the market list that can't be read: 2 (");
});

/** The collector against the simulated exchange, with the log in memory. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { until } from "../../local/testing.ts";
import type { MarketEvent } from "../../protocol/events.ts";
import { BTC, UpbitSetup } from "./testing/upbit-setup.ts";

describe("a collector", () => {
  let setup: UpbitSetup;
  beforeEach(() => {
    setup = new UpbitSetup();
  });

  it("logs every trade once, whatever the exchange repeats", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(20);
    setup.simulator.faults.inject({ fault: "repeat", count: 20 });
    await until(() => setup.collector.counts.repeats >= 20);
    await setup.traded(1);
    setup.expectEachOnce();
    expect(setup.log.gapsOf(BTC)).toEqual([]);
  });

  it("announces what it may have missed, fetches it while live trades go on, and says that it has it all", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(3);
    const lastSeen = setup.log.trades.at(-1)?.time ?? 0;
    await setup.away(() => setup.execute(700));
    await setup.traded(5);
    await setup.healed();
    const [open, closed, ...more] = setup.log.gapsOf(BTC);
    expect([open?.state, closed?.state, open?.cause, more]).toEqual(["open", "healed", "exchange_disconnect", []]);
    expect([open?.since, closed?.since]).toEqual([lastSeen - 500, lastSeen - 500]);
    expect(open?.until).toBeGreaterThanOrEqual(lastSeen);
    const executed = setup.simulator.executed(0, 10_000).trades.filter(({ market }) => market === "KRW-BTC");
    expect(setup.idsOf(BTC).sort()).toEqual(executed.map(({ id }) => id).sort());
    setup.expectEachOnce();
    const late = setup.log.trades.filter((trade) => trade.late === true && !trade.snapshot && trade.instrument === BTC);
    expect(late.length).toBe(699);
    expect(late.map(({ time }) => time)).toEqual(late.map(({ time }) => time).sort((a, b) => a - b));
    // Between the two gap events, the live ones among them.
    const at = (event: MarketEvent | undefined) => (event === undefined ? -1 : setup.log.events.indexOf(event));
    expect(at(open)).toBeLessThan(at(late[0]));
    expect(at(late.at(-1))).toBeLessThan(at(closed));
    expect(setup.log.bodies.length).toBeGreaterThanOrEqual(2);
    expect(setup.log.states).toEqual(["down", "live", "down", "live"]);
  });

  it("spares those a gap whose ticker shows that nothing was traded", async () => {
    // A clock that was behind when the markets opened: their first trades are old.
    const begun = Date.now() - 60_000;
    let now = begun;
    await setup.start({ now: () => now });
    await setup.live();
    now = Date.now();
    await setup.traded(1);
    await setup.away(() => setup.execute(1));
    await setup.healed();
    const gaps = setup.log.events.filter((event) => event.type === "gap");
    expect([...new Set(gaps.map(({ instrument }) => instrument))]).toEqual([BTC]);
  });

  it("relies on no trade that is dated in the future", async () => {
    let ahead = 0;
    await setup.start({ now: () => Date.now() + ahead });
    await setup.live();
    await setup.traded(3);
    ahead = 3_600_000;
    await setup.traded(1, "KRW-ETH");
    ahead = 0;
    await setup.traded(1, "KRW-SHIB");
    await setup.away(() => setup.execute(20));
    await setup.traded(1);
    await setup.healed();
    const executed = setup.simulator.executed(0, 10_000).trades.filter(({ market }) => market === "KRW-BTC");
    expect(setup.idsOf(BTC).sort()).toEqual(executed.map(({ id }) => id).sort());
    expect(setup.log.gapsOf(BTC).map(({ cause, state }) => [cause, state])).toEqual([
      ["exchange_disconnect", "open"],
      ["exchange_disconnect", "healed"],
    ]);
    expect(setup.log.events.filter((event) => event.type === "gap" && event.until > Date.now() + 10_000)).toEqual([]);
    expect(setup.warnings.filter((line) => line.includes("dated in the future")).length).toBe(1);
    expect(setup.collector.counts.datedAhead).toBeGreaterThan(0);
    setup.expectEachOnce();
  });

  it("calls lost what the exchange does not tell any more, and only that", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(3);
    await setup.away(() => {
      setup.execute(20);
      setup.simulator.faults.inject({ fault: "forget" });
    });
    await setup.traded(1);
    await setup.healed();
    const [open, closed] = setup.log.gapsOf(BTC);
    expect([open?.state, closed?.state, closed?.since]).toEqual(["open", "lost", open?.since]);
    // The last one of the twenty came as the repeat on connecting.
    expect(setup.log.trades.filter((trade) => trade.late === true && trade.instrument === BTC)).toHaveLength(2);
    setup.expectEachOnce();
  });

  it("fetches what a frame that can't be read may have told, and logs each kind of fault once", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(1);
    // Of several lengths, so that they stop being JSON in several ways.
    const markets = ["KRW-BTC", "BTC-ETH", "USDT-BTC", "KRW-1INCH", "KRW-SHIB"];
    for (const market of markets) setup.simulator.faults.inject({ fault: "bad", how: "malformed", market });
    await until(() => setup.collector.counts.badFrames === markets.length);
    await until(() => setup.collector.counts.healed === markets.length);
    expect(setup.log.gapsOf(BTC).map(({ cause, state }) => [cause, state])).toEqual([
      ["unreadable_frame", "open"],
      ["unreadable_frame", "healed"],
    ]);
    expect(setup.warnings.filter((line) => line.includes("can't be read")).length).toBe(1);
  });

  it("goes on asking while the history is refused, and the gap stays open", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(1);
    setup.simulator.faults.inject({ fault: "rest", status: 503, ms: 2500 });
    await setup.away(() => setup.execute(10));
    await until(() => setup.log.gapsOf(BTC).length === 1);
    await setup.healed();
    expect(setup.log.gapsOf(BTC).map(({ state }) => state)).toEqual(["open", "healed"]);
    expect(setup.idsOf(BTC).length).toBe(12);
    setup.expectEachOnce();
  });

  it("takes a refusal for no connection: nothing is known to be missing yet, and the exchange is left in peace", async () => {
    setup.log.tails = [{ events: [], completeFrom: 0, completeUntil: 5000 }];
    const refusing = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    let refusals = 0;
    refusing.on("connection", (socket) => {
      refusals += 1;
      socket.send(Buffer.from('{"error":{"name":"WRONG_FORMAT","message":"no"}}'));
      socket.close(1000);
    });
    await once(refusing, "listening");
    await setup.start({}, { wsUrl: `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}` });
    await until(() => refusals === 3);
    expect([setup.log.gapsOf(BTC), setup.log.states, setup.collector.counts.reconnects]).toEqual([[], ["down"], 0]);
    expect(setup.collector.status.detail).toContain("WRONG_FORMAT");
    refusing.close();
  });

  it("disconnects while the log can't keep up, and comes back", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(1);
    setup.log.full = true;
    setup.simulator.engine.execute("KRW-BTC");
    await until(() => setup.collector.status.state === "down" && setup.simulator.state().sockets === 0);
    setup.log.full = false;
    await setup.live();
    await setup.healed();
    expect(setup.log.gapsOf(BTC).at(-1)?.state).toBe("healed");
  });

  it("can be stopped while there is no market list, and while it is refused", async () => {
    await setup.start();
    setup.list.stop();
    await setup.collector.stop();
    await setup.simulator.stop();
    await setup.start();
    setup.simulator.faults.inject({ fault: "refuse", on: true });
    await until(() => setup.simulator.state().faults.refusedConnections > 0);
    await setup.collector.stop();
  });
});

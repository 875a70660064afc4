/** Which markets a collector subscribes to as the list, and what is wanted of it, change. */

import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { upbit as dialect } from "../../../simulator/upbit/dialect.ts";
import { BTC, UpbitSetup } from "../testing/upbit-setup.ts";

describe("the markets of a collector", () => {
  let setup: UpbitSetup;
  beforeEach(() => {
    setup = new UpbitSetup();
  });

  it("asks for a new listing on the same connection", async () => {
    await setup.start({}, { period: 100 });
    await setup.live();
    const [listing] = dialect.listings();
    if (listing === undefined) throw new Error("no market");
    setup.simulator.engine.list({ ...listing, code: "KRW-NEWCOIN" });
    await until(() => setup.log.trades.some(({ instrument }) => instrument === "upbit:NEWCOIN-KRW"));
    expect([setup.collector.counts.reconnects, setup.collector.counts.gaps]).toEqual([0, 0]);
  });

  it("leaves out what is not wanted, and fetches what it missed when that is wanted again", async () => {
    await setup.start();
    await setup.live();
    await setup.traded(2);
    setup.left.add(BTC);
    setup.collector.refresh();
    await setup.traded(1, "KRW-ETH");
    const missed = setup.execute(5);
    await setup.traded(1, "KRW-ETH");
    expect(setup.idsOf(BTC)).not.toContain(missed);
    setup.left.clear();
    setup.collector.refresh();
    await setup.healed();
    expect(setup.log.gapsOf(BTC).map(({ cause, state }) => [cause, state])).toEqual([
      ["not_collected", "open"],
      ["not_collected", "open"],
      ["not_collected", "healed"],
    ]);
    expect(new Set(setup.log.gapsOf(BTC).map(({ since }) => since)).size).toBe(1);
    expect(setup.idsOf(BTC).length).toBe(8);
    setup.expectEachOnce();
  });

  it("takes a market that leaves the exchange's list and returns for one that may have missed something", async () => {
    await setup.start({}, { period: 100 });
    await setup.live();
    await setup.traded(2);
    const [listing] = dialect.listings();
    if (listing === undefined) throw new Error("no market");
    setup.simulator.delist("KRW-BTC");
    await until(() => setup.log.gapsOf(BTC).length === 1);
    setup.simulator.engine.list(listing);
    setup.execute(5);
    await until(() => setup.log.gapsOf(BTC).some(({ state }) => state === "healed"));
    expect(new Set(setup.log.gapsOf(BTC).map(({ cause, since }) => `${cause} ${since}`)).size).toBe(1);
    expect(setup.idsOf(BTC)).toEqual(expect.arrayContaining([`${setup.simulator.engine.log.last("KRW-BTC")?.id}`]));
    setup.expectEachOnce();
  });
});

/** What a collector takes over from the one before it, and leaves to the next. */

import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { GapEvent, TradeEvent } from "../../protocol/events.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import type { EarlierTail } from "../log/log.ts";
import { BTC, UpbitSetup } from "./testing/upbit-setup.ts";

describe("a collector with others before and after it", () => {
  let setup: UpbitSetup;
  beforeEach(() => {
    setup = new UpbitSetup();
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
    setup.log.tails = [{ events: [open], completeFrom: 0, completeUntil: 5000 }];
    await setup.start();
    await setup.live();
    await setup.healed();
    expect(setup.log.gapsOf(BTC).filter(({ state }) => state === "open")).toMatchObject([
      { cause: "exchange_disconnect", since: 100 },
      { cause: "collector_restart", since: 4500 },
    ]);
    expect(setup.log.gapsOf(BTC).filter(({ state }) => state !== "open").length).toBe(2);
  });

  describe("whose predecessor has left a gap open that began before the tail", () => {
    /** What was executed an hour ago, and when that began (ms). */
    let [old, begun]: [TradeEvent[], number] = [[], 0];
    let told: PromiseWithResolvers<EarlierTail>;

    beforeEach(async () => {
      let ahead = -3_600_000;
      told = Promise.withResolvers();
      const prepare = (simulator: Simulator) => {
        begun = Date.now() + ahead + 500;
        old = Array.from({ length: 10 }, () => {
          ahead += 1000;
          const { id, timestamp: time } = simulator.engine.execute("KRW-BTC") ?? { id: 0, timestamp: 0 };
          const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
          return { type: "trade", instrument: BTC, id: `${id}`, time, ...rest };
        });
        ahead = 0;
        setup.log.earlier = told.promise;
        const completeFrom = Date.now() - 60_000;
        setup.log.tails = [{ events: [], completeFrom, completeUntil: Date.now(), unreadSince: begun }];
      };
      await setup.start({ now: () => Date.now() + ahead }, { prepare });
      await setup.live();
    });
    const open = (): GapEvent => {
      const until = (old.at(-1)?.time ?? 0) + 1;
      const rest = { cause: "exchange_disconnect", since: begun, until, state: "open", received: null } as const;
      return { type: "gap", instrument: BTC, ...rest };
    };
    const said = () => setup.log.gapsOf(BTC).map(({ since, state }) => [since === begun ? "old" : "new", state]);

    it("collects and heals what is new at once, and that one when it knows what the log has had since", async () => {
      await setup.traded(3);
      await setup.away(() => setup.execute(5));
      await setup.traded(1);
      await until(() => said().some(([, state]) => state === "healed"));
      expect(said()).toEqual([
        ["new", "open"],
        ["new", "healed"],
      ]);
      expect(setup.log.bodies.length).toBeGreaterThan(0);
      expect(setup.idsOf(BTC)).toHaveLength(9);
      const logged = [0, 1, 2, 5].flatMap((i) => old[i] ?? []);
      told.resolve({ events: [open(), ...logged], completeFrom: begun - 1 });
      await until(() => said().length === 4);
      expect(said().slice(2)).toEqual([
        ["old", "open"],
        ["old", "healed"],
      ]);
      const late = old.filter((one) => !logged.includes(one)).map(({ id }) => id);
      expect(setup.idsOf(BTC).slice(9)).toEqual(late);
      setup.expectEachOnce();
    });

    it("calls lost only what stands before what could be kept of the log", async () => {
      const time = old[5]?.time ?? 0;
      told.resolve({ events: [open(), ...old.slice(5, 7)], completeFrom: time });
      await until(() => said().length === 2);
      expect(setup.log.gapsOf(BTC)).toMatchObject([
        { state: "open", since: begun },
        { state: "lost", since: begun, until: time },
      ]);
      expect(setup.idsOf(BTC)).toEqual(old.slice(7).map(({ id }) => id));
    });

    it("neither asks nor says anything any more when another has taken over", async () => {
      setup.collector.abandon();
      expect(setup.log.reading?.aborted).toBe(true);
      const before = [setup.log.events.length, setup.log.bodies.length];
      told.resolve({ events: [open()], completeFrom: begun - 1 });
      await setup.log.earlier;
      await new Promise((resolve) => setImmediate(resolve));
      expect([setup.log.events.length, setup.log.bodies.length]).toEqual(before);
    });
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
    setup.log.tails = [{ events: [open], completeFrom: 0, completeUntil: Date.now() }];
    setup.left.add(BTC);
    await setup.start();
    await setup.live();
    setup.execute(5);
    await setup.traded(1, "KRW-ETH");
    expect(setup.log.gapsOf(BTC)).toEqual([]);
    setup.left.clear();
    setup.collector.refresh();
    await until(() => setup.log.gapsOf(BTC).some(({ state }) => state === "healed"));
    expect(setup.log.gapsOf(BTC).map((gap) => gap.since)).toEqual([since, since]);
    expect(setup.idsOf(BTC).length).toBe(6);
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
    setup.log.tails = [{ events: [open], completeFrom: 0, completeUntil: 5000 }];
    await setup.start({}, { restUrl: "http://127.0.0.1:9" });
    await until(() => setup.log.statuses.length > 0);
    expect(setup.log.statuses[0]).toMatchObject({ healing: 100, doubted: 5000 });
  });
});

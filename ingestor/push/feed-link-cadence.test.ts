import { beforeEach, describe, expect, it } from "vitest";
import { FeedLinkSetup, record, STATUS, TICK } from "./testing/feed-link-setup.ts";

describe("a feed link", () => {
  let setup: FeedLinkSetup;
  beforeEach(() => {
    setup = new FeedLinkSetup();
  });

  describe("with listeners", () => {
    it("sends raw at once, and tells the slower rates on the grid", () => {
      setup.ready(0, ["raw", "100ms"]);
      setup.batches();
      setup.take(1);
      setup.link.onRead(10);
      expect(setup.batches()).toEqual([[0, 1, [1], []]]);
      setup.link.onGrid(100, TICK, false);
      expect(setup.batches()).toEqual([[1, 1, [], TICK]]);
      setup.ack(1);
      setup.link.onGrid(200, TICK, false);
      expect(setup.batches()).toEqual([]);
    });

    it("gathers for the grid where nobody wants raw", () => {
      setup.ready(0, ["100ms"]);
      setup.batches();
      setup.take(1);
      setup.link.onRead(10);
      setup.take(2);
      setup.link.onRead(20);
      expect(setup.batches()).toEqual([]);
      setup.link.onGrid(100, TICK, false);
      expect(setup.batches()).toEqual([[0, 2, [1, 2], TICK]]);
    });

    it("names a rate as due on its own ticks only, whatever else has it send", () => {
      setup.ready(0, ["raw", "100ms", "1s"]);
      setup.batches();
      const says = () => setup.batches().map(([, , events, due]) => [events, due]);
      setup.take(1);
      setup.link.onRead(10);
      setup.hear({ op: "cadence", rates: ["raw", "100ms", "1s"] });
      setup.hear({ op: "resend", epoch: "e-0", from: 0 });
      setup.link.onStatus(20);
      expect(says()).toEqual([
        [[1], []],
        [[], []],
        [[1], []],
        [[], []],
      ]);
      setup.ack(1);
      setup.link.onGrid(100, TICK, false);
      setup.link.onGrid(200, TICK, false);
      setup.link.onGrid(1000, ["100ms", "1s"], false);
      setup.link.onGrid(2000, ["100ms", "1s"], false);
      expect(says()).toEqual([
        [[], TICK],
        [[], ["1s"]],
      ]);
    });

    it("gathers for a slow rate until it is due, and sends what is much before that", () => {
      setup = new FeedLinkSetup({ parkBytes: 10_000_000 });
      setup.ready(0, ["1s"]);
      setup.batches();
      setup.take(1);
      setup.link.onGrid(100, TICK, false);
      expect(setup.batches()).toEqual([]);
      setup.link.onGrid(1000, ["100ms", "1s"], false);
      expect(setup.batches()).toEqual([[0, 1, [1], ["1s"]]]);
      setup.take(...Array.from({ length: 500 }, (_, i) => 2 + i));
      setup.link.onGrid(1100, TICK, false);
      expect(setup.batches()).toMatchObject([[1, 501, { length: 500 }, []]]);
      setup.link.onGrid(2000, ["100ms", "1s"], false);
      expect(setup.batches()).toEqual([[501, 501, [], ["1s"]]]);
    });

    it.each([
      [
        "the socket is full",
        () => Object.assign(setup.wire, { bufferedAmount: 3_000_000 }),
        () => Object.assign(setup.wire, { bufferedAmount: 0 }),
      ],
      ["the feed is away", () => setup.link.closed(), () => setup.ready(0, ["1s"])],
    ])("owes a rate that became due while %s, and says so once", (_why, hinder, mend) => {
      setup.ready(0, ["1s"]);
      setup.batches();
      setup.take(1);
      hinder();
      setup.link.onGrid(1000, ["100ms", "1s"], false);
      setup.link.onGrid(2000, ["100ms", "1s"], false);
      expect(setup.batches()).toEqual([]);
      mend();
      setup.link.onGrid(2100, TICK, false);
      setup.link.onGrid(2200, TICK, false);
      expect(setup.batches()).toEqual([[0, 1, [1], ["1s"]]]);
    });

    it("lets only the last batch of many say what is due", () => {
      setup = new FeedLinkSetup({ parkBytes: 10_000_000 });
      setup.ready(0, ["100ms"]);
      setup.batches();
      setup.take(...Array.from({ length: 2500 }, (_, i) => i + 1));
      setup.link.onGrid(100, TICK, false);
      expect(setup.batches().map(([, seq, , due]) => [seq, due])).toEqual([
        [1000, []],
        [2000, []],
        [2500, TICK],
      ]);
    });

    it("has a listener who came unseen served on the next tick", () => {
      setup.ready();
      setup.batches();
      setup.take(1);
      setup.link.onGrid(40_000, TICK, false);
      setup.hear({ op: "cadence", rates: ["1s"] });
      setup.batches();
      setup.link.onGrid(40_100, TICK, false);
      expect(setup.batches()).toEqual([]);
      setup.link.onGrid(41_000, ["100ms", "1s"], false);
      expect(setup.batches()).toEqual([[1, 1, [], ["1s"]]]);
    });

    it("gives the first listener at once what was being gathered", () => {
      setup.ready();
      setup.batches();
      setup.take(1);
      setup.link.onGrid(100, TICK, false);
      expect(setup.batches()).toEqual([]);
      setup.hear({ op: "cadence", rates: ["raw"] });
      expect(setup.batches()).toEqual([[0, 1, [1], []]]);
    });

    it("says every five seconds that time has passed, and at once that the exchange's state has changed", () => {
      setup.ready(0, ["100ms"]);
      setup.batches();
      const last = Date.now();
      setup.link.onGrid(last + 4000, TICK, false);
      expect(setup.batches()).toEqual([]);
      setup.link.onGrid(last + 6000, TICK, false);
      setup.link.onStatus(last + 6100);
      expect(setup.batches()).toEqual([
        [0, 0, [], []],
        [0, 0, [], []],
      ]);
    });

    it("tells them the state of an exchange whose instrument has never been traded", () => {
      setup.ready(0, ["100ms"], null);
      expect(setup.wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, seq: 0, events: [], asOf: 5, status: STATUS }]);
    });
  });

  describe("without listeners", () => {
    it("sends after the idle time, or once nothing comes in the whole partition", () => {
      setup.ready();
      setup.batches();
      setup.take(1);
      setup.link.onGrid(29_000, TICK, false);
      expect(setup.batches()).toEqual([]);
      setup.link.onGrid(30_000, TICK, false);
      expect(setup.batches()).toEqual([[0, 1, [1], []]]);
      setup.ack(1);
      setup.take(2);
      setup.link.onGrid(30_100, TICK, true);
      expect(setup.batches()).toEqual([[1, 2, [2], []]]);
    });

    it("nudges a feed that still has something to do with empty batches, more and more seldom, and keeps the rest", () => {
      setup.ready();
      setup.batches();
      setup.ack(0, true);
      const begin = Date.now();
      setup.link.take("e-0", record(1), begin);
      for (let at = 0; at < 29_000; at += 100) setup.link.onGrid(begin + at, TICK, false);
      const nudges = setup.batches();
      // Ten within 5 s, then one every 2 s, then every 10 s.
      expect(nudges.length).toBeGreaterThanOrEqual(18);
      expect(nudges.length).toBeLessThanOrEqual(22);
      expect(nudges.every(([prev, seq, events]) => prev === 0 && seq === 0 && String(events) === "")).toBe(true);
      expect(setup.link.holds).toBe(1);
      setup.ack(0, false);
      for (let at = 29_000; at < 29_900; at += 100) setup.link.onGrid(begin + at, TICK, false);
      expect(setup.batches()).toEqual([]);
    });
  });
});

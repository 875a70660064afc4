import { beforeEach, describe, expect, it } from "vitest";
import { FeedLinkSetup, record, TICK } from "./testing/feed-link-setup.ts";

describe("a feed link", () => {
  let setup: FeedLinkSetup;
  beforeEach(() => {
    setup = new FeedLinkSetup();
  });

  it("sends to a feed of another epoch what it holds", () => {
    setup.take(1, 2);
    setup.ready(900, [], "old-0");
    expect(setup.batches()).toEqual([[0, 2, [1, 2], []]]);
  });

  describe("when the log is another one", () => {
    it("sends what it can of the old one, and begins anew", () => {
      setup.ready();
      setup.batches();
      setup.take(100);
      setup.epoch = "f-0";
      setup.take(2);
      expect(setup.wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, seq: 100 }]);
      setup.link.onGrid(40_000, TICK, false);
      expect(setup.wire.take()).toMatchObject([{ epoch: "f-0", prev: 0, seq: 2 }]);
      setup.ack(100);
      expect(setup.link.holds).toBe(2);
      setup.ack(2, false, "f-0");
      expect([setup.link.holds, setup.bytes, setup.lowest]).toEqual([undefined, 0, 0]);
    });

    it("tells a feed at once that somebody listens to, once, with nothing in it", () => {
      setup.ready(100, ["100ms"]);
      setup.ack(100);
      setup.batches();
      setup.epoch = "f-0";
      setup.next = 5;
      setup.link.enter("f-0", 0);
      expect(setup.wire.take()).toEqual([]);
      for (let at = 100; at < 1000; at += 100) setup.link.onGrid(at, TICK, false);
      expect(setup.wire.take()).toMatchObject([
        { epoch: "f-0", prev: 0, seq: 0, through: 4, opens: 1, events: [], due: [] },
      ]);
    });

    it("tells one that nobody listens to within its idle time, and on any occasion", () => {
      setup.ready();
      setup.batches();
      for (const occasion of [() => undefined, () => setup.hear({ op: "cadence", rates: [] })]) {
        setup.epoch = `${setup.epoch}0`;
        setup.link.enter(setup.epoch, 0);
        occasion();
        for (let at = 100; at <= 30_000; at += 100) setup.link.onGrid(at, TICK, true);
        expect(setup.wire.take()).toMatchObject([{ epoch: setup.epoch, events: [] }]);
      }
    });

    it("tells a feed that comes and follows another one", () => {
      setup.ready(900, [], "old-0");
      setup.ack(900, false, "old-0");
      setup.link.onGrid(40_000, TICK, true);
      expect(setup.wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, events: [] }]);
    });

    it("does not vouch for what a feed had acked that has nothing of it any more", () => {
      setup.take(5, 6);
      setup.ready();
      setup.ack(5);
      setup.batches();
      setup.link.closed();
      setup.ready(900, [], "old-0");
      expect(setup.batches()).toEqual([[5, 6, [6], []]]);
    });

    it("is no longer parked, and a reading of the old one is over", () => {
      setup.take(1, 2, 3);
      setup.ready();
      setup.ack(3);
      setup.hear({ op: "resend", epoch: "e-0", from: 1 });
      const [catchUp] = setup.lacks;
      setup.epoch = "f-0";
      setup.take(2);
      expect(setup.link.parked).toBe(false);
      expect(catchUp && setup.link.wants(catchUp)).toBe(false);
      setup.link.takeAgain("e-0", record(3), 0);
      expect(setup.link.holds).toBe(2);
    });
  });
});

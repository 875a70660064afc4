import { beforeEach, describe, expect, it } from "vitest";
import { FeedLinkSetup, record, TICK } from "./testing/feed-link-setup.ts";

describe("a feed link", () => {
  let setup: FeedLinkSetup;
  beforeEach(() => {
    setup = new FeedLinkSetup();
  });

  describe("of how far a feed is complete", () => {
    const through = () => setup.wire.take().map(({ seq, through: to }) => [seq, to]);

    it("says the last position that was read, in an empty batch too", () => {
      setup.take(10);
      setup.next = 50;
      setup.ready();
      setup.next = 80;
      setup.link.onStatus(0);
      setup.link.onGrid(40_000, TICK, false);
      setup.hear({ op: "cadence", rates: ["raw"] });
      expect(through()).toEqual([
        [10, 49],
        [10, 79],
      ]);
    });

    it("never passes an event that still waits: of a long backlog, or for its time", () => {
      setup = new FeedLinkSetup({ parkBytes: 10_000_000 });
      setup.take(...Array.from({ length: 1200 }, (_, i) => 2 * i + 2));
      setup.ready();
      expect(through()).toEqual([
        [2000, 2001],
        [2400, 2400],
      ]);
      setup.ack(2400, true);
      setup.next = 2501;
      setup.link.take("e-0", record(2500), Date.now());
      setup.link.onGrid(Date.now() + 600, TICK, false);
      expect(through()).toEqual([[2400, 2499]]);
    });

    it("stays where a parked feed stands, until the log has been read again for it", () => {
      setup.ready();
      setup.take(1, 2, 3);
      setup.link.onGrid(40_000, TICK, false);
      setup.ack(3);
      setup.wire.take();
      setup.hear({ op: "resend", epoch: "e-0", from: 1 });
      setup.take(9);
      setup.link.takeAgain("e-0", record(2), 0);
      setup.link.flush(0);
      setup.link.takeAgain("e-0", record(3), 0);
      setup.link.takeAgain("e-0", record(9), 0);
      setup.link.unpark();
      setup.link.flush(0);
      expect(through()).toEqual([
        [2, 2],
        [9, 9],
      ]);
    });

    it("is what the feed has, where another pusher has brought it further", () => {
      setup.take(1);
      setup.ready(100);
      expect(through()).toEqual([[100, 100]]);
    });

    it("is its last event for a log that has ended", () => {
      setup.ready();
      setup.take(100);
      setup.wire.take();
      setup.epoch = "f-0";
      setup.take(2);
      expect(setup.wire.take()).toMatchObject([{ epoch: "e-0", seq: 100, through: 100 }]);
    });
  });
});

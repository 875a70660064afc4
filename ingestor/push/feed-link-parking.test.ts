import { beforeEach, describe, expect, it } from "vitest";
import { FeedLinkSetup, record, TICK } from "./testing/feed-link-setup.ts";

describe("a feed link", () => {
  let setup: FeedLinkSetup;
  beforeEach(() => {
    setup = new FeedLinkSetup();
  });

  it("has the log read again for a feed that lost what it had acked", () => {
    setup.take(1, 2, 3, 4);
    setup.ready();
    setup.ack(4);
    setup.batches();
    setup.hear({ op: "resend", epoch: "e-0", from: 2 });
    expect([setup.lacks, setup.link.parked, setup.link.holds, setup.bytes]).toEqual([[{ seq: 2 }], true, 3, 0]);
    const [catchUp] = setup.lacks;
    if (catchUp === undefined) throw new Error("no reading");
    setup.take(5);
    for (const offset of [3, 4, 5]) setup.link.takeAgain("e-0", record(offset), 0);
    expect(setup.link.wants(catchUp)).toBe(true);
    setup.link.unpark();
    setup.take(5, 6);
    setup.link.onGrid(40_000, TICK, false);
    expect(setup.batches()).toEqual([[2, 6, [3, 4, 5, 6], []]]);
  });

  it("takes what a feed says it has stored for acked: should it lose that, the log has it", () => {
    setup.take(1, 2, 3, 4);
    setup.ready(4);
    expect([setup.link.holds, setup.bytes]).toEqual([undefined, 0]);
    setup.hear({ op: "resend", epoch: "e-0", from: 2 });
    expect([setup.lacks, setup.link.holds]).toEqual([[{ seq: 2 }], 3]);
  });

  describe("of a feed that another pusher had ack something", () => {
    it("has what follows read again for one that has lost some of it, and sends nothing live before that", () => {
      setup.link.expect("e-0", { seq: 90, from: 50 }, 0);
      expect(setup.link.holds).toBe(91);
      setup.take(101);
      setup.ready(80);
      setup.take(102);
      setup.link.onGrid(40_000, TICK, false);
      expect([setup.lacks, setup.batches(), setup.link.holds]).toEqual([[{ seq: 80 }], [], 81]);
      for (const offset of [90, 101, 102]) setup.link.takeAgain("e-0", record(offset), 0);
      setup.link.unpark();
      setup.link.onGrid(40_000, TICK, false);
      expect(setup.batches()).toEqual([[80, 102, [90, 101, 102], []]]);
    });

    it("hears of it also when the feed is there first", () => {
      setup = new FeedLinkSetup({ begun: false });
      setup.ready(80);
      setup.link.enter("e-0", 0);
      setup.link.expect("e-0", { seq: 90, from: 50 }, 0);
      expect([setup.lacks, setup.link.holds, setup.batches()]).toEqual([[{ seq: 80 }], 81, []]);
    });

    it("does not keep one waiting that has it, or more", () => {
      for (const seq of [90, 100]) {
        setup = new FeedLinkSetup();
        setup.link.expect("e-0", { seq: 90, from: 50 }, 0);
        setup.ready(seq, ["raw"]);
        setup.link.take("e-0", record(101), 0);
        setup.link.onRead(0);
        expect([setup.link.holds, setup.batches().at(-1)]).toEqual([101, [seq, 101, [101], []]]);
      }
    });

    it("gives one that has nothing of this log any more what can be told for certain", () => {
      setup.link.expect("e-0", { seq: 90, from: 50 }, 0);
      setup.ready(0, [], null);
      expect([setup.lacks, setup.link.holds]).toEqual([[{ seq: 50 }], 51]);
    });
  });

  describe("when the feed takes too little", () => {
    const fill = (from = 1, count = 60) => setup.take(...Array.from({ length: count }, (_, i) => from + i));

    it("lets everything go while the feed is away, and has it read again from there", () => {
      fill();
      expect([setup.link.parked, setup.bytes, setup.link.holds]).toEqual([true, 0, 1]);
      setup.ready();
      expect(setup.lacks).toEqual([{ seq: 0 }]);
      expect(setup.link.holds).toBe(1);
    });

    it("keeps what it has sent, and has the rest read again once that is acked", () => {
      setup.ready();
      setup.take(1);
      setup.link.onGrid(40_000, TICK, false);
      fill(2);
      expect([setup.link.parked, setup.link.holds]).toEqual([true, 1]);
      setup.ack(1);
      expect(setup.lacks).toEqual([{ seq: 1 }]);
      expect([setup.link.holds, setup.bytes]).toEqual([2, 0]);
    });

    it("gives a feed that has acked everything what there is, instead of parking it", () => {
      setup.ready();
      setup.batches();
      fill(1, 37);
      expect([setup.link.parked, setup.wire.sent.length > 0]).toEqual([false, true]);
    });

    it("has all read again that a feed without storage was sent and never acked", () => {
      setup.ready(0, [], null);
      setup.take(1, 2);
      setup.link.onGrid(40_000, TICK, false);
      fill(3);
      expect([setup.link.parked, setup.link.holds]).toEqual([true, 1]);
      setup.link.closed();
      setup.ready(0, [], null);
      expect([setup.lacks, setup.link.holds]).toEqual([[{ seq: 0 }], 1]);
    });

    it("ends a reading when the feed goes away; the next one is another", () => {
      fill();
      setup.ready();
      setup.link.closed();
      setup.ready();
      const [first, second] = setup.lacks;
      expect(first && setup.link.wants(first)).toBe(false);
      expect(second && setup.link.wants(second)).toBe(true);
    });
  });
});

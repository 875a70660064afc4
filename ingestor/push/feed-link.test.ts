import { beforeEach, describe, expect, it } from "vitest";
import { edgeCounts } from "../../protocol/edge-counts.ts";
import { FeedLinkSetup, record, TICK } from "./testing/feed-link-setup.ts";

describe("a feed link", () => {
  let setup: FeedLinkSetup;
  beforeEach(() => {
    setup = new FeedLinkSetup();
  });

  it("sends what waited as soon as the feed is ready, and holds it until it is acked", () => {
    setup.take(10, 12);
    expect([setup.link.holds, setup.wire.sent.length]).toEqual([10, 0]);
    setup.ready();
    expect(setup.batches()).toEqual([[0, 12, [10, 12], []]]);
    setup.ack(10);
    expect(setup.link.holds).toBe(12);
    setup.ack(12);
    expect([setup.link.holds, setup.bytes]).toEqual([undefined, 0]);
  });

  it("passes on what the feed says that it has done, and forgets with the link what it has now", () => {
    setup.ready();
    const counts = edgeCounts.parse({ clients: 2, streams: 3, items: 4 });
    setup.hear({ op: "cadence", rates: ["raw"], counts });
    setup.hear({ op: "ack", epoch: "e-0", seq: 0, dirty: false, counts: edgeCounts.parse({ clients: 1, items: 5 }) });
    expect([...setup.totals.all]).toMatchObject([{ objectClass: "symbol_feed", counts: { clients: 1, items: 9 } }]);
    setup.link.closed();
    expect([...setup.totals.all]).toMatchObject([{ counts: { clients: 0, streams: 0, items: 9 } }]);
  });

  it("carries the event just as it came from the log", () => {
    setup.link.take("e-0", record(7, '{"type":"trade","price":"1.10","id":"17883351803770004"}'), 0);
    setup.ready();
    expect(setup.wire.sent[0]?.events).toEqual([
      { seq: 7, logged: 5, event: { type: "trade", price: "1.10", id: "17883351803770004" } },
    ]);
  });

  it("drops what the feed has already, and takes nothing twice", () => {
    setup.take(1, 2, 3);
    setup.ready(2);
    expect(setup.batches()).toEqual([[2, 3, [3], []]]);
    setup.take(2, 3, 4);
    setup.link.onGrid(40_000, TICK, false);
    expect(setup.batches()).toEqual([[3, 4, [4], []]]);
  });

  it("lets a feed that is ahead of the log's reading have only what is new to it", () => {
    setup.take(1);
    setup.ready(100);
    setup.batches();
    setup.take(50, 100, 101);
    setup.link.onGrid(40_000, TICK, false);
    expect(setup.batches()).toEqual([[100, 101, [101], []]]);
  });

  it("sends again what was not acked when the feed comes back, and everything to one that lost its storage", () => {
    setup.take(1, 2, 3);
    setup.ready();
    setup.ack(1);
    setup.batches();
    setup.link.closed();
    setup.take(4);
    setup.ready(1);
    expect(setup.batches()).toEqual([[1, 4, [2, 3, 4], []]]);
    setup.link.closed();
    setup.ready(0, [], null);
    expect(setup.batches()).toEqual([[0, 4, [2, 3, 4], []]]);
    expect(setup.lacks).toEqual([]);
  });

  it("sends again from where the feed says that something is missing; not for another epoch", () => {
    setup.take(1, 2, 3);
    setup.ready();
    setup.batches();
    setup.hear({ op: "resend", epoch: "e-0", from: 2 });
    expect(setup.batches()).toEqual([[2, 3, [3], []]]);
    setup.hear({ op: "resend", epoch: "old", from: 1 });
    expect(setup.batches()).toEqual([]);
  });

  it("keeps what a feed has taken in and not stored: its memory may go", () => {
    setup.take(1, 2, 3);
    setup.ready();
    setup.hear({ op: "resend", epoch: "e-0", from: 3 });
    expect(setup.link.holds).toBe(1);
    setup.batches();
    setup.hear({ op: "resend", epoch: "e-0", from: 0 });
    expect(setup.batches().map(([prev, , events]) => [prev, events])).toEqual([[0, [1, 2, 3]]]);
  });

  it("stops sending, and tells, when it is replaced", () => {
    setup.ready(0, ["raw"]);
    setup.batches();
    setup.hear({ op: "replaced" });
    setup.take(1);
    setup.link.onRead(10);
    setup.link.onGrid(100, TICK, false);
    expect([setup.replaced, setup.wire.sent.length, setup.link.holds]).toEqual([1, 0, 1]);
  });

  it("sends nothing before the first status, nor into a socket that is full", () => {
    setup.epoch = undefined;
    setup.ready(0, ["raw"]);
    expect(setup.batches()).toEqual([]);
    setup.epoch = "e-0";
    setup.wire.bufferedAmount = 3_000_000;
    setup.take(1);
    setup.link.onRead(0);
    expect(setup.batches()).toEqual([]);
    setup.wire.bufferedAmount = 0;
    setup.link.onGrid(0, TICK, false);
    expect(setup.batches()).toEqual([[0, 1, [1], []]]);
  });

  it("sends a long backlog in batches that continue each other", () => {
    const many = Array.from({ length: 2500 }, (_, i) => i + 1);
    setup = new FeedLinkSetup({ parkBytes: 10_000_000 });
    setup.take(...many);
    setup.ready();
    expect(setup.batches().map(([prev, seq]) => [prev, seq])).toEqual([
      [0, 1000],
      [1000, 2000],
      [2000, 2500],
    ]);
  });

  it("gives back its bytes once when it is closed, whatever the feed still says", () => {
    setup.take(1, 2);
    setup.ready();
    setup.take(3);
    setup.link.close();
    expect(setup.bytes).toBe(0);
    setup.ack(2);
    setup.take(4);
    expect([setup.bytes, setup.lowest]).toEqual([0, 0]);
  });

  it("rejects what no feed says", () => {
    expect(() => setup.link.onMessage("{")).toThrow();
    expect(() => setup.link.onMessage('{"op":"dance"}')).toThrow();
    expect(() => setup.link.onMessage('{"op":"replaced","v":99}')).toThrow("version 99");
  });
});

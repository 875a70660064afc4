import { beforeEach, describe, expect, it } from "vitest";
import { edgeCounts } from "../../protocol/edge-counts.ts";
import { PAGE_BYTES } from "./partition-encoder.ts";
import type { LogView } from "./partition-link.ts";
import { content, contents, EPOCH, PartitionLinkSetup } from "./testing/partition-link-setup.ts";

let setup: PartitionLinkSetup;
beforeEach(() => {
  setup = new PartitionLinkSetup();
});

describe("a feed of which rates are wanted", () => {
  it("begins at the present, and is sent every event from there on at once where raw is wanted", () => {
    setup.read(1, "a");
    const wire = setup.ready([], 0);
    setup.read(2, "b", "trade");
    setup.say({ op: "cadence", rates: ["raw"] });
    setup.read(3, "a", "trade");
    setup.read(4, "b");
    setup.say({ op: "cadence", rates: [] });
    setup.read(5, "b");
    expect(contents(wire)).toEqual([
      ["tickers", 0, 2, [["a", 1]], false],
      ["batch", 2, 2, []],
      ["batch", 2, 3, [3]],
      ["batch", 3, 4, [4]],
    ]);
    expect(wire.sent[3]).toMatchObject({
      asOf: 40,
      status: { state: "live", source: "simulated", asOf: 40 },
      due: [],
    });
  });

  it("gets what a conflated rate is due on the grid, and a word once a second without events", () => {
    const wire = setup.ready(["1s"], 0);
    const begun = wire.sent.length;
    setup.read(1);
    for (let i = 0; i < 9; i += 1) setup.tick();
    expect(wire.sent.length).toBe(begun);
    setup.tick();
    expect(content(wire.sent.at(-1) ?? { op: "gone", instruments: [] })).toEqual(["batch", 0, 1, [1]]);
    expect(wire.sent.at(-1)).toMatchObject({ due: ["1s"] });
    for (let i = 0; i < 20; i += 1) setup.tick();
    expect(contents(wire).slice(begun + 1)).toEqual(Array(2).fill(["batch", 1, 1, []]));
  });

  it("goes on from the ring on a new socket and after a resend, without a hole", () => {
    const first = setup.ready(["raw"], 0);
    for (let i = 1; i <= 3; i += 1) setup.read(i);
    setup.link.closed();
    setup.read(4);
    const second = setup.ready(["raw"], 2);
    setup.say({ op: "resend", epoch: EPOCH, from: 1 });
    setup.say({ op: "resend", epoch: "x-0", from: 0 });
    expect(contents(first)).toEqual([
      ["batch", 0, 0, []],
      ["batch", 0, 1, [1]],
      ["batch", 1, 2, [2]],
      ["batch", 2, 3, [3]],
    ]);
    expect(contents(second)).toEqual([
      ["batch", 2, 4, [3, 4]],
      ["batch", 1, 4, [2, 3, 4]],
      ["batch", 4, 4, []],
    ]);
  });

  it("begins anew with the newest tickers where the ring no longer reaches, or another log has begun", () => {
    setup = new PartitionLinkSetup(10 * (150 + 80));
    for (let i = 1; i <= 30; i += 1) setup.read(i, `i${i % 3}`);
    const wire = setup.ready(["raw"], 2);
    setup.link.onEpochEnds(setup.now);
    setup.view = { ...(setup.view as LogView), epoch: "f-0" };
    setup.ring.begin(1);
    setup.newest.begin("f-0", 1);
    setup.read(2, "i0");
    expect(contents(wire)).toEqual([
      [
        "tickers",
        2,
        30,
        [
          ["i1", 28],
          ["i2", 29],
          ["i0", 30],
        ],
        false,
      ],
      ["batch", 30, 30, []],
      ["batch", 30, 30, []],
      [
        "tickers",
        1,
        2,
        [
          ["i1", 28],
          ["i2", 29],
          ["i0", 2],
        ],
        false,
      ],
      ["batch", 2, 2, []],
    ]);
  });

  it("is not told that it has everything of a log that has ended, before it is told of the next", () => {
    for (let i = 1; i <= 9; i += 1) setup.read(i, "a", "trade");
    const wire = setup.ready(["100ms"], 0);
    setup.link.onEpochEnds(setup.now);
    setup.view = { ...(setup.view as LogView), epoch: "f-0" };
    setup.ring.begin(1);
    setup.newest.begin("f-0", 1);
    setup.read(2, "a", "trade");
    setup.say({ op: "replay", id: "r", epoch: EPOCH, from: 5, instruments: null });
    expect(wire.sent.at(-1)).toMatchObject({ op: "replayed", from: 5, through: 5, events: [], complete: false });
    setup.tick();
    expect(wire.sent.map((frame) => ("epoch" in frame ? frame.epoch : frame.op)).at(-1)).toBe("f-0");
  });

  it("falls behind while its socket is full, and goes on where it was", () => {
    const wire = setup.ready(["raw"], 0);
    wire.bufferedAmount = 5_000_000;
    for (let i = 1; i <= 3; i += 1) setup.read(i);
    expect(wire.sent.length).toBe(1);
    wire.bufferedAmount = 0;
    setup.tick();
    expect(contents(wire)).toEqual([
      ["batch", 0, 0, []],
      ["batch", 0, 3, [1, 2, 3]],
    ]);
  });

  it("is sent much in pages, each of which says no more of completeness than it carries", () => {
    for (let i = 1; i <= 10; i += 1) setup.read(i, "a", "trade", "x".repeat(PAGE_BYTES / 4));
    const wire = setup.ready(["raw"], 0);
    expect(contents(wire)).toEqual([
      ["batch", 0, 3, [1, 2, 3]],
      ["batch", 3, 6, [4, 5, 6]],
      ["batch", 6, 9, [7, 8, 9]],
      ["batch", 9, 10, [10]],
    ]);
    expect(wire.sent.map((frame) => (frame.op === "batch" ? frame.asOf : 0))).toEqual([40, 70, 100, 100]);
  });

  it("is told of drains and of the exchange's state at once", () => {
    const wire = setup.ready(["100ms"], 0);
    const begun = wire.sent.length;
    setup.link.drain(3000);
    setup.link.onStatus(setup.now);
    expect(contents(wire).slice(begun)).toEqual([{ op: "drain", within: 3000 }, ["batch", 0, 0, []]]);
  });
});

it("tells when it is replaced, and is silent from then on", () => {
  const wire = setup.ready(["raw"], 0);
  const begun = wire.sent.length;
  setup.say({ op: "replaced" });
  setup.read(1);
  expect([setup.replaced, wire.sent.length]).toEqual([1, begun]);
  expect(() => setup.link.onMessage('{"op":"dance"}')).toThrow();
});

describe("what the feed has done", () => {
  it("is asked for every 5 s, with a batch that goes out anyway", () => {
    setup.now = Date.now();
    const wire = setup.ready(["1s"]);
    for (let i = 0; i < 160; i += 1) setup.tick();
    const asking = wire.sent.filter((frame) => frame.op === "batch" && frame.count === true);
    expect([asking.length, wire.sent.filter(({ op }) => op === "batch").length]).toEqual([4, 17]);
  });

  it("is passed on with whatever it says, and what it has now is forgotten with the link", () => {
    setup.ready();
    setup.say({ op: "cadence", rates: ["raw"], counts: edgeCounts.parse({ clients: 2, streams: 8, items: 4 }) });
    setup.say({ op: "counts", counts: edgeCounts.parse({ clients: 1, items: 5 }) });
    expect([...setup.totals.all]).toMatchObject([{ objectClass: "partition_feed", counts: { clients: 1, items: 9 } }]);
    setup.link.closed();
    expect([...setup.totals.all]).toMatchObject([{ counts: { clients: 0, streams: 0, items: 9 } }]);
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { PAGE_BYTES } from "./partition-encoder.ts";
import { contents, EPOCH, PartitionLinkSetup } from "./testing/partition-link-setup.ts";

let setup: PartitionLinkSetup;
beforeEach(() => {
  setup = new PartitionLinkSetup();
});

describe("an idle feed", () => {
  it("is sent nothing, whatever is read, until somebody reads a list", () => {
    const wire = setup.ready();
    for (let i = 1; i <= 600; i += 1) {
      setup.read(i, `i${i % 7}`, i % 2 ? "ticker" : "trade");
      setup.tick();
    }
    setup.link.onStatus(setup.now);
    setup.link.drain(1000);
    expect(wire.sent).toEqual([]);
  });

  it("is sent all that is newest, and then what is newer than what it was sent", () => {
    const wire = setup.ready();
    setup.read(1, "a");
    setup.read(2, "b");
    setup.read(3, "a", "trade");
    setup.say({ op: "read" });
    setup.read(4, "b");
    setup.say({ op: "read" });
    setup.say({ op: "read" });
    expect(contents(wire)).toEqual([
      [
        "tickers",
        0,
        3,
        [
          ["a", 1],
          ["b", 2],
        ],
        false,
      ],
      ["tickers", 3, 4, [["b", 4]], false],
      ["tickers", 4, 4, [], false],
    ]);
    expect(wire.sent[0]).toMatchObject({
      epoch: EPOCH,
      asOf: 30,
      tickers: [{ source: "simulated", t: { logged: 10 } }, {}],
    });
  });

  it("is sent everything again when it has lost its memory, and on a new socket what is newer than what it has", () => {
    setup.read(1, "a");
    setup.read(2, "b");
    const first = setup.ready();
    setup.say({ op: "read" });
    setup.say({ op: "ready", epoch: null, through: 0, rates: [] });
    setup.say({ op: "read" });
    expect(contents(first)).toEqual(
      Array(2).fill([
        "tickers",
        0,
        2,
        [
          ["a", 1],
          ["b", 2],
        ],
        false,
      ]),
    );
    setup.link.closed();
    setup.read(3, "a");
    const second = setup.ready([], 2);
    setup.say({ op: "read" });
    expect(contents(second)).toEqual([["tickers", 2, 3, [["a", 3]], false]]);
  });

  it("is sent everything that a pusher knows which began after what the feed has, and from where on that is everything", () => {
    setup.ring.begin(50);
    setup.newest.begin(EPOCH, 50);
    setup.read(51, "a");
    const wire = setup.ready([], 49);
    setup.say({ op: "read" });
    expect(contents(wire)).toEqual([["tickers", 50, 51, [["a", 51]], false]]);
  });

  it("is answered by a pusher that is behind it with how far that has come", () => {
    setup.read(5, "a");
    const wire = setup.ready([], 9);
    setup.say({ op: "read" });
    setup.read(11, "b");
    setup.say({ op: "read" });
    expect(contents(wire)).toEqual([
      ["tickers", 9, 5, [], false],
      ["tickers", 9, 11, [["b", 11]], false],
    ]);
  });

  it("is answered as soon as there is a log, and room in the socket", () => {
    const { view } = setup;
    setup.view = undefined;
    const wire = setup.ready();
    setup.say({ op: "read" });
    setup.tick();
    expect(wire.sent).toEqual([]);
    setup.view = view;
    wire.bufferedAmount = 5_000_000;
    setup.read(1);
    expect(wire.sent).toEqual([]);
    wire.bufferedAmount = 0;
    setup.tick();
    setup.tick();
    expect(contents(wire)).toEqual([["tickers", 0, 1, [["a", 1]], false]]);
  });

  it("is sent a long list in pages", () => {
    for (let i = 1; i <= 2000; i += 1) setup.read(i, `a-long-name-of-an-instrument-${i}`);
    const wire = setup.ready();
    setup.say({ op: "read" });
    expect(wire.sent.length).toBeGreaterThan(1);
    expect(Math.max(...wire.sizes)).toBeLessThan(PAGE_BYTES + 1000);
    expect(wire.sent.flatMap((frame) => (frame.op === "tickers" ? [frame.more] : [])).indexOf(false)).toBe(
      wire.sent.length - 1,
    );
    expect(wire.sent.flatMap((frame) => (frame.op === "tickers" ? frame.tickers : [])).length).toBe(2000);
  });

  it("hears once what is no longer collected, and never of what is back already", () => {
    setup.read(1, "a");
    setup.read(2, "b");
    setup.link.forget("a");
    setup.link.forget("b");
    setup.read(3, "b");
    const wire = setup.ready();
    for (let i = 0; i < 2; i += 1) setup.say({ op: "read" });
    expect(contents(wire)).toEqual([
      ["gone", ["a"]],
      ["tickers", 0, 3, [["b", 3]], false],
      ["tickers", 3, 3, [], false],
    ]);
  });
});

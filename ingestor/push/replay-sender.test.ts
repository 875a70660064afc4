import { beforeEach, describe, expect, it } from "vitest";
import { PAGE_BYTES } from "./partition-encoder.ts";
import { contents, EPOCH, PartitionLinkSetup } from "./testing/partition-link-setup.ts";

let setup: PartitionLinkSetup;
beforeEach(() => {
  setup = new PartitionLinkSetup();
});

describe("a replay", () => {
  const request = { op: "replay", id: "r", epoch: EPOCH, from: 0, instruments: null } as const;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("brings the events up to where the batches go on, all or some instruments'", async () => {
    const wire = setup.ready(["raw"], 0);
    for (let i = 1; i <= 6; i += 1) setup.read(i, i % 2 ? "a" : "b");
    const begun = wire.sent.length;
    setup.say({ ...request, from: 2 });
    setup.say({ ...request, id: "s", instruments: ["b"] });
    setup.read(7);
    await settled();
    expect(contents(wire).slice(begun)).toEqual([
      ["replayed", "r", 2, 6, [3, 4, 5, 6], false, true],
      ["batch", 6, 7, [7]],
      ["replayed", "s", 0, 6, [2, 4, 6], false, true],
    ]);
  });

  it("goes page by page and in turns with others, so that a live batch waits behind one page", async () => {
    for (let i = 1; i <= 8; i += 1) setup.read(i, "a", "trade", "x".repeat(PAGE_BYTES / 2));
    const wire = setup.ready(["raw"], 8);
    const begun = wire.sent.length;
    setup.say(request);
    setup.say({ ...request, id: "s", from: 7 });
    setup.read(9);
    await settled();
    expect(
      contents(wire)
        .slice(begun)
        .map((one) => (one as unknown[]).slice(0, 4)),
    ).toEqual([
      ["replayed", "r", 0, 1],
      ["batch", 8, 9, [9]],
      ["replayed", "r", 1, 2],
      ["replayed", "s", 7, 8],
      ...[2, 3, 4, 5, 6, 7].map((from) => ["replayed", "r", from, from + 1]),
    ]);
  });

  it("says where the ring does not reach back, and gives nothing of another log", async () => {
    setup = new PartitionLinkSetup(10 * (150 + 80));
    for (let i = 1; i <= 30; i += 1) setup.read(i);
    const wire = setup.ready(["raw"], 30);
    const floor = setup.ring.floor ?? 0;
    const begun = wire.sent.length;
    setup.say(request);
    setup.say({ ...request, id: "s", epoch: "x-0", from: 4 });
    await settled();
    const rest = Array.from({ length: 30 - floor }, (_, i) => floor + 1 + i);
    expect(contents(wire).slice(begun)).toEqual([
      ["replayed", "r", floor, 30, rest, false, false],
      ["replayed", "s", 4, 4, [], false, false],
    ]);
  });

  it("waits for what a pusher that begins behind the feed has not read yet", async () => {
    for (let i = 1; i <= 3; i += 1) setup.read(i);
    const wire = setup.ready(["raw"], 6);
    const begun = wire.sent.length;
    setup.say({ ...request, from: 4 });
    setup.read(4);
    await settled();
    const replayed = () =>
      contents(wire)
        .slice(begun)
        .filter((one) => (one as unknown[])[0] === "replayed");
    expect(replayed()).toEqual([]);
    for (let i = 5; i <= 7; i += 1) setup.read(i);
    await settled();
    expect(replayed()).toEqual([["replayed", "r", 4, 6, [5, 6], false, true]]);
  });

  it("waits until anything is known of the log", async () => {
    const { view } = setup;
    for (let i = 1; i <= 3; i += 1) setup.read(i);
    setup.view = undefined;
    const wire = setup.ready(["raw"], 3);
    setup.say({ ...request, from: 1 });
    await settled();
    expect(contents(wire)).toEqual([]);
    setup.view = view;
    setup.tick();
    await settled();
    expect(contents(wire)).toContainEqual(["replayed", "r", 1, 3, [2, 3], false, true]);
  });

  it("ends when another log begins", async () => {
    for (let i = 1; i <= 3; i += 1) setup.read(i, "a", "trade", "x".repeat(PAGE_BYTES));
    const wire = setup.ready(["raw"], 3);
    setup.say(request);
    setup.link.onEpochEnds(setup.now);
    setup.ring.begin(1);
    await settled();
    expect(contents(wire).filter((one) => (one as unknown[])[0] === "replayed")).toEqual([
      ["replayed", "r", 0, 1, [1], true, true],
      ["replayed", "r", 1, 1, [], false, false],
    ]);
  });
});

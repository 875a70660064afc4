/** What can't be filled must be visible, and what can be must not be missing. */

import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ticker, trade } from "../testing/test-events.ts";
import { A, B, batch, C, list, newest, served } from "./testing/test-partition.ts";
import { brief, TestRelay } from "./testing/test-relay.ts";

const RAW = `${A}@trade@raw`;

describe("a list that takes the feed over events", () => {
  it("closes the links with trade streams, and others are sent the newest tickers", async () => {
    const { feed, pusher, relay } = await served([RAW]);
    const other = await TestRelay.open(feed, "weur-0");
    other.want([`${A}@ticker@raw`, `${B}@ticker@1s`]);
    await other.next("wanted");
    pusher.send(batch(10, 12, [trade(11, A), ticker(12, B)]));
    pusher.send(list(50, 50, [newest(A, 45), newest(B, 12), newest(C, 44)], { from: 12 }));
    expect(await relay.closed).toBe(4000);
    await other.next("lines");
    const { head, items } = await other.next("lines");
    expect(head.through).toEqual({ raw: 50, "100ms": 50, "1s": 50 });
    expect(brief(items)).toEqual([[`${A}@ticker@raw`, 0, 45, []]]);
    // Whoever comes now begins behind it: the newest trade that was known may not be the newest any more.
    const again = await TestRelay.open(feed);
    again.want([RAW]);
    expect(await again.next("wanted")).toMatchObject({ head: { start: 50 }, items: [] });
    pusher.send(batch(50, 51, [trade(51, A)], { due: ["1s"] }));
    expect(brief((await again.next("lines")).items)).toEqual([[RAW, 50, 51, [51]]]);
    expect(brief((await other.next("lines")).items)).toEqual([[`${B}@ticker@1s`, 4, 12, []]]);
  });

  it("closes none where it goes no further than the feed is", async () => {
    const { pusher, relay } = await served([RAW]);
    pusher.send(list(10, 11, []));
    pusher.send(list(8, 8, []));
    pusher.send(batch(10, 11, [trade(11, A)]));
    expect(brief((await relay.next("lines")).items)).toEqual([[RAW, 10, 11, [11]]]);
  });

  it("closes none of those that wait for an idle feed to be taken to the present", async () => {
    const { feed, pusher, relay } = await served([RAW]);
    relay.ws.close(1000);
    expect((await pusher.next("cadence")).rates).toEqual([]);
    const again = await TestRelay.open(feed);
    again.want([RAW]);
    await pusher.next("cadence");
    // What was on its way when the feed fell idle says nothing of how far the pusher is.
    pusher.send(batch(10, 12, [trade(12, A)]));
    pusher.send(list(40, 40, [], { from: 12 }));
    pusher.send(batch(40, 41, [trade(41, A)]));
    expect(await again.next("wanted")).toMatchObject({ head: { start: 41 }, items: [{ seq: 41, n: 0 }] });
  });
});

it("a feed that has lost its memory closes the links that outlived it, and serves those that come back", async () => {
  const { feed, pusher, relay } = await served([RAW]);
  await evictDurableObject(feed);
  // The next batch wakes it: it knows nothing, and wants nothing.
  pusher.send(batch(10, 11, [trade(11, A)]));
  expect(await relay.closed).toBe(4000);
  const counts = expect.objectContaining({ clients: 0, closes: { restarting: 1 } });
  expect(await pusher.next("ready")).toEqual({ op: "ready", epoch: null, through: 0, rates: [], counts });
  const again = await TestRelay.open(feed);
  again.want([RAW]);
  expect((await pusher.next("cadence")).rates).toEqual(["raw"]);
  pusher.send(list(12, 12, []));
  pusher.send(batch(12, 12));
  expect((await again.next("wanted")).head).toMatchObject({ epoch: "e1", start: 12 });
});

it("a feed that a relay wakes says with its first word what is wanted, and once", async () => {
  const { feed, pusher, relay } = await served([RAW]);
  await evictDurableObject(feed);
  const again = await TestRelay.open(feed);
  expect(await relay.closed).toBe(4000);
  again.want([RAW]);
  const counts = expect.objectContaining({ clients: 1, closes: { restarting: 1 } });
  expect(await pusher.next("ready")).toEqual({ op: "ready", epoch: null, through: 0, rates: ["raw"], counts });
  pusher.send(batch(10, 11, [trade(11, A)]));
  pusher.send(list(11, 11, []));
  pusher.send(batch(11, 12, [trade(12, A)]));
  expect((await again.next("wanted")).head).toMatchObject({ epoch: "e1", start: 12 });
  expect(pusher.ops.filter((op) => op === "ready").length).toBe(2);
});

describe("another log", () => {
  it("begins behind what was gathered, with snapshot and gap at its markers, and every event of it is asked for", async () => {
    const { pusher, relay } = await served([RAW, "upbit:B-*@trade@1s"]);
    pusher.send(batch(10, 12, [trade(11, B)]));
    await relay.next("lines");
    pusher.send(list(5, 500, [newest(A, 4, "e2")], { epoch: "e2", from: 1 }));
    expect(brief((await relay.next("lines")).items)).toEqual([[`${B}@trade@1s`, 10, 11, [11]]]);
    const { head, items } = await relay.next("epoch");
    expect(head).toEqual({ op: "epoch", epoch: "e2", start: 0 });
    expect(
      items.map(({ stream, epoch, prev, seq, snapshot, gap }) => [stream, epoch, prev, seq, snapshot, gap?.cause]),
    ).toEqual(
      expect.arrayContaining([
        [RAW, "e2", 0, 0, true, undefined],
        [RAW, "e2", 0, 1, undefined, "epoch_changed"],
        [`${B}@trade@1s`, "e2", 0, 0, true, undefined],
        [`${B}@trade@1s`, "e2", 0, 1, undefined, "epoch_changed"],
      ]),
    );
    // The list says nothing of the trades before its end.
    pusher.send(batch(5, 6, [trade(6, A)], { epoch: "e2" }));
    const counts = expect.objectContaining({ clients: 1, streams: 2 });
    expect(await pusher.next("resend")).toEqual({ op: "resend", epoch: "e2", from: 1, counts });
    pusher.send(batch(1, 6, [trade(3, A), ticker(4, A), trade(6, A)], { epoch: "e2" }));
    expect(brief((await relay.next("lines")).items)).toEqual([
      [RAW, 1, 3, [3]],
      [RAW, 3, 6, [6]],
    ]);
  });

  it("goes on at once where nobody wants trades", async () => {
    const { pusher, relay } = await served([`${B}@ticker@raw`]);
    pusher.send(list(5, 500, [newest(B, 4, "e2"), newest(A, 9)], { epoch: "e2", from: 1 }));
    expect(await relay.next("epoch")).toMatchObject({ head: { epoch: "e2", start: 0 }, items: [] });
    expect(await relay.next("lines")).toMatchObject({
      head: { epoch: "e2", through: { raw: 5 } },
      items: [{ stream: `${B}@ticker@raw`, epoch: "e2", prev: 0, seq: 4, snapshot: true }],
    });
  });

  it("ends the replays of the one before", async () => {
    const { pusher, relay } = await served([RAW]);
    relay.replay(3, [RAW]);
    const { id } = await pusher.next("replay");
    pusher.send(list(1, 500, [], { epoch: "e2", from: 1 }));
    pusher.send({ op: "replayed", id, epoch: "e1", from: 3, through: 3, events: [], more: false, complete: false });
    await relay.next("epoch");
    relay.want([]);
    await relay.next("wanted");
    expect(relay.ops).not.toContain("replay");
  });
});

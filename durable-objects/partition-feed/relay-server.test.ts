import { describe, expect, it } from "vitest";
import { UNASKED } from "../../protocol/relay-frames.ts";
import { LIVE, ticker, trade } from "../testing/test-events.ts";
import { openPartitionPublisher, upgrade } from "../testing/test-socket.ts";
import { A, B, batch, C, list, newest, newPartition, served, URL } from "./testing/test-partition.ts";
import { brief, TestRelay } from "./testing/test-relay.ts";

const everyRate = (seq: number) => ({ raw: seq, "100ms": seq, "1s": seq });

describe("a want", () => {
  it("of an idle feed is answered where the log is, with what was quiet for long, and has the pusher send", async () => {
    const { rates, head, items } = await served([`${A}@trade@raw`, "upbit:*-*@ticker@1s"]);
    expect(rates).toEqual(["raw", "1s"]);
    expect(head).toEqual({ op: "wanted", id: 1, epoch: "e1", start: 10, through: everyRate(10), more: false });
    expect(items).toMatchObject([{ stream: `${B}@ticker@1s`, prev: 0, seq: 4, snapshot: true }]);
  });

  it("of a feed that relays listen to is answered at once, with the newest trade of what is named", async () => {
    const { feed, pusher, relay } = await served([`${A}@trade@1s`]);
    pusher.send(batch(10, 12, [trade(12, A)]));
    await relay.next("lines");
    const other = await TestRelay.open(feed, "weur-0");
    other.want([`${A}@trade@1s`]);
    const { head, items } = await other.next("wanted");
    expect(head).toMatchObject({ start: 12, through: { raw: 12, "100ms": 12, "1s": 10 } });
    expect(items).toMatchObject([{ stream: `${A}@trade@1s`, seq: 12, n: 0, snapshot: true }]);
    expect((await other.next("status")).head.status).toMatchObject({ state: "live" });
    expect(pusher.ops).toEqual(["ready", "cadence"]);
  });

  it("that waits beside others has the pusher told of all their rates together", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    const relay = await TestRelay.open(feed);
    relay.want([`${A}@trade@raw`]);
    relay.want([], [`${A}@trade@raw`]);
    relay.want([`${A}@trade@1s`]);
    while ((await pusher.next("cadence")).rates.join() !== "raw,1s");
    const before = pusher.ops.length;
    pusher.send(list(10, 10, []));
    pusher.send(batch(10, 10));
    for (let i = 0; i < 3; i += 1) expect((await relay.next("wanted")).head.start).toBe(10);
    expect((await pusher.next("cadence")).rates).toEqual(["1s"]);
    expect(pusher.ops.length).toBe(before + 1);
  });

  it("that waits behind a bad one of the same link is forgotten with it", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    const [bad, good] = [await TestRelay.open(feed), await TestRelay.open(feed, "weur-0")];
    bad.want(["upbit:A"]);
    bad.want([`${A}@trade@raw`]);
    good.want([`${A}@trade@1s`]);
    while ((await pusher.next("cadence")).rates.join() !== "raw,1s");
    pusher.send(list(10, 10, []));
    pusher.send(batch(10, 10));
    expect(await bad.closed).toBe(4200);
    expect((await good.next("wanted")).head.start).toBe(10);
    expect((await pusher.next("cadence")).rates).toEqual(["1s"]);
    good.ws.close(1000);
    expect((await pusher.next("cadence")).rates).toEqual([]);
  });

  it("is answered in pages", async () => {
    const { feed, pusher } = await served([`${A}@trade@1s`]);
    const many = Array.from({ length: 1500 }, (_, i) => ticker(11 + i, `upbit:T${i}-KRW`));
    pusher.send(batch(10, 2000, many));
    const other = await TestRelay.open(feed, "weur-0");
    other.want(["upbit:*-KRW@ticker@raw"]);
    const pages = [await other.next("wanted")];
    while (pages.at(-1)?.head.more) pages.push(await other.next("wanted"));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap(({ items }) => items).length).toBe(1501);
    expect(Math.max(...pages.map(({ size }) => size))).toBeLessThan(257 * 1024);
    expect(new Set(pages.map(({ head }) => `${head.id} ${head.start} ${head.through.raw}`))).toEqual(
      new Set(["1 2000 2000"]),
    );
  });

  it("is told that nothing is known where no pusher comes, and of the log when one does", async () => {
    const feed = newPartition();
    const relay = await TestRelay.open(feed);
    relay.want([`${A}@trade@raw`, `${B}@ticker@raw`]);
    expect((await relay.next("wanted")).head).toMatchObject({ epoch: null, start: 0, more: false });
    const pusher = await openPartitionPublisher(feed, URL);
    const counts = expect.objectContaining({ clients: 1, streams: 2, frames: 1 });
    expect(await pusher.next("ready")).toEqual({ op: "ready", epoch: null, through: 0, rates: ["raw"], counts });
    pusher.send(list(6, 10, [newest(B, 4)]));
    const { head, items } = await relay.next("wanted");
    expect(head).toMatchObject({ id: UNASKED, epoch: "e1", start: 6, more: false });
    expect(items).toMatchObject([{ stream: `${B}@ticker@raw`, seq: 4, snapshot: true }]);
    pusher.send(batch(6, 7, [trade(7, A)]));
    expect(brief((await relay.next("lines")).items)).toEqual([[`${A}@trade@raw`, 6, 7, [7]]]);
  });

  it.each(["nonsense", '{"op":"want","id":1}', '{"op":"want","id":1,"add":["upbit:A"],"drop":[]}'])(
    "ends a link that says %s",
    async (text) => {
      const { feed } = await served([`${A}@trade@raw`]);
      const other = await TestRelay.open(feed, "weur-0");
      other.ws.send(text);
      expect(await other.closed).toBe(4200);
    },
  );

  it("comes over the newest link of a relay alone", async () => {
    const { feed, pusher, relay } = await served([`${A}@trade@raw`]);
    const again = await TestRelay.open(feed);
    expect(await relay.closed).toBe(4000);
    expect((await pusher.next("cadence")).rates).toEqual([]);
    again.want([`${A}@trade@1s`]);
    expect((await pusher.next("cadence")).rates).toEqual(["1s"]);
  });
});

describe("what is sent live", () => {
  it("is each item once, at the rates that are wanted, with how far that is complete", async () => {
    const { pusher, relay } = await served([`${A}@trade@raw`, `${A}@trade@100ms`, `upbit:B-*@ticker@100ms`]);
    pusher.send(batch(10, 14, [trade(11, A), trade(12, C), ticker(13, B)]));
    const first = await relay.next("lines");
    expect(first.head).toMatchObject({ epoch: "e1", through: { raw: 14, "100ms": 10 } });
    expect(brief(first.items)).toEqual([[`${A}@trade@raw`, 10, 11, [11]]]);
    pusher.send(batch(14, 15, [trade(15, A)], { due: ["100ms"] }));
    const second = await relay.next("lines");
    expect(second.head.through).toEqual(everyRate(15));
    expect(brief(second.items)).toEqual([
      [`${A}@trade@raw`, 11, 15, [15]],
      [`${A}@trade@100ms`, 10, 15, [11, 15]],
      [`${B}@ticker@100ms`, 4, 13, []],
    ]);
  });

  it("says how far the feed is where there is nothing to send", async () => {
    const { pusher, relay } = await served([`${A}@trade@raw`]);
    pusher.send(batch(10, 14, [trade(12, C)]));
    expect(await relay.next("lines")).toMatchObject({ head: { through: everyRate(14) }, items: [] });
  });

  it("ends with what is dropped, and the feed may sleep when nothing is left", async () => {
    const { pusher, relay } = await served([`${A}@trade@raw`, `${A}@trade@1s`]);
    relay.want([], [`${A}@trade@1s`]);
    expect((await pusher.next("cadence")).rates).toEqual(["raw"]);
    await relay.next("wanted");
    pusher.send(batch(10, 11, [trade(11, A)], { due: ["1s"] }));
    expect(brief((await relay.next("lines")).items)).toEqual([[`${A}@trade@raw`, 10, 11, [11]]]);
    relay.ws.close(1000);
    expect((await pusher.next("cadence")).rates).toEqual([]);
  });
});

describe("what the pusher says besides", () => {
  it("is passed on: gone, behind what was gathered, and drain", async () => {
    const { pusher, relay } = await served([`${A}@trade@1s`]);
    pusher.send(batch(10, 11, [trade(11, A)]));
    pusher.send({ op: "gone", instruments: [A] });
    pusher.send({ op: "drain", within: 500 });
    expect((await relay.next("gone")).head.instruments).toEqual([A]);
    expect((await relay.next("drain")).head.within).toBe(500);
    const lines = relay.seen.filter(({ head }) => head.op === "lines");
    expect(brief(lines.flatMap(({ items }) => items))).toEqual([[`${A}@trade@1s`, 10, 11, [11]]]);
    expect(relay.ops.slice(2)).toEqual(["lines", "lines", "gone", "drain"]);
  });

  it("of the exchange is told when it changes, and when the pusher leaves and comes back", async () => {
    const { feed, pusher, relay } = await served([`${A}@trade@raw`]);
    pusher.send(batch(10, 11, [], { asOf: 5000 }));
    pusher.send(batch(11, 12, [], { asOf: 6000, status: { ...LIVE, state: "stale", since: 5500 } }));
    expect((await relay.next("status")).head.status).toEqual({ ...LIVE, state: "stale", since: 5500, asOf: 6000 });
    pusher.ws.close(1000);
    expect((await relay.next("status")).head.status).toMatchObject({
      state: "down",
      asOf: 6000,
      detail: "the ingestor has left this feed",
    });
    const next = await openPartitionPublisher(feed, URL);
    const counts = expect.objectContaining({ clients: 1, streams: 1 });
    expect(await next.next("ready")).toEqual({ op: "ready", epoch: "e1", through: 12, rates: ["raw"], counts });
    next.send(batch(12, 13, [trade(13, A)]));
    expect((await relay.next("status")).head.status).toMatchObject({ state: "live", asOf: 13 });
  });
});

it("lets go of a relay that takes nothing", async () => {
  const { feed, pusher, relay } = await served([`${A}@trade@1s`]);
  // What is not accepted is not read.
  const stalled = await upgrade(feed, "https://partition/?relay=stalled");
  const instruments = ["x".repeat(1_000_000)];
  for (let i = 0; i < 20; i += 1) {
    pusher.send({ op: "gone", instruments });
    await relay.next("gone");
  }
  const other = new TestRelay(stalled);
  expect(await other.closed).toBe(4000);
  expect(other.seen.length).toBeGreaterThan(5);
  expect(other.seen.length).toBeLessThan(15);
});

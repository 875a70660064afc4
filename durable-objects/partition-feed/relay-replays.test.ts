import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { partitionReply } from "../../protocol/partition-frames.ts";
import { ticker, trade } from "../testing/test-events.ts";
import { A, B, batch, C, newPartition, openPusher, replayed, served } from "./testing/test-partition.ts";
import { brief, seqsOf, TestRelay } from "./testing/test-relay.ts";

const RAW = `${A}@trade@raw`;

function bigTrade(seq: number, size: number, instrument: string = A): LoggedEvent {
  const logged = trade(seq, instrument);
  return { ...logged, event: { ...logged.event, id: "t".repeat(size) } } as LoggedEvent;
}

describe("a replay", () => {
  it("comes page by page as it is asked for, and what is live goes on exactly behind it", async () => {
    const { pusher, relay } = await served([RAW]);
    const id = relay.replay(3, [RAW]);
    const asked = await pusher.next("replay");
    expect(asked).toMatchObject({ epoch: "e1", from: 3, instruments: [A] });
    pusher.send(replayed(asked.id, 3, 6, [trade(4, A), trade(6, A)], { more: true }));
    expect(await relay.next("replay")).toMatchObject({
      head: { id, epoch: "e1", through: 6, oldest: 3, more: true, recovered: true },
      items: [
        { prev: 3, seq: 4 },
        { prev: 4, seq: 6 },
      ],
    });
    pusher.send(batch(10, 12, [trade(12, A)]));
    pusher.send(replayed(asked.id, 6, 10, [trade(9, A)]));
    relay.say({ op: "next", id });
    const second = await relay.next("replay");
    expect([second.head.through, second.head.more, brief(second.items)]).toEqual([10, true, [[RAW, 6, 9, [9]]]]);
    // Meanwhile the feed has gone on: what is between is asked for, too.
    relay.say({ op: "next", id });
    const again = await pusher.next("replay");
    expect(again).toMatchObject({ from: 10, instruments: [A] });
    pusher.send(replayed(again.id, 10, 12, [trade(12, A)]));
    const last = await relay.next("replay");
    expect([last.head.through, last.head.more, brief(last.items)]).toEqual([12, false, [[RAW, 9, 12, [12]]]]);
    pusher.send(batch(12, 13, [trade(13, A)]));
    await relay.next("lines");
    expect(brief((await relay.next("lines")).items)).toEqual([[RAW, 12, 13, [13]]]);
    relay.say({ op: "cancel", id });
    relay.say({ op: "next", id });
    relay.want([`${A}@ticker@raw`]);
    await relay.next("wanted");
    expect(relay.ops.filter((op) => op === "replay").length).toBe(3);
  });

  it("leaves nothing out of an answer that is ahead of the feed, which catches up between its pages", async () => {
    const { pusher, relay } = await served([RAW]);
    const id = relay.replay(3, [RAW]);
    const asked = await pusher.next("replay");
    pusher.send(replayed(asked.id, 3, 6, [trade(6, A)], { more: true }));
    // The feed has everything up to 10: what lies beyond is still to come to it, too.
    pusher.send(replayed(asked.id, 6, 14, [trade(9, A), trade(12, A), trade(14, A)], { more: true }));
    pusher.send(batch(10, 20, [trade(12, A), trade(14, A), trade(17, A), trade(20, A)]));
    pusher.send(replayed(asked.id, 14, 20, [trade(17, A), trade(20, A)]));
    await relay.next("lines");
    const page = async () => (await relay.next("replay")).items.flatMap(seqsOf);
    expect(await page()).toEqual([6]);
    relay.say({ op: "next", id });
    expect(await page()).toEqual([9]);
    relay.say({ op: "next", id });
    const again = await pusher.next("replay");
    expect(again.from).toBe(10);
    pusher.send(replayed(again.id, 10, 20, [trade(12, A), trade(14, A), trade(17, A), trade(20, A)]));
    expect(await page()).toEqual([12, 14, 17, 20]);
  });

  it("is of the whole partition for a wildcard, of all its rates, and passes over tickers", async () => {
    const { pusher, relay } = await served(["upbit:*-KRW@trade@1s", `${B}@trade@raw`]);
    relay.replay(5, ["upbit:*-KRW@trade@1s", `${B}@trade@raw`]);
    const { id, instruments } = await pusher.next("replay");
    expect(instruments).toBeNull();
    pusher.send(replayed(id, 5, 7, [ticker(6, A), ticker(7, B)], { more: true }));
    pusher.send(replayed(id, 7, 10, [trade(8, A), trade(9, B), trade(10, B)]));
    const { head, items } = await relay.next("replay");
    expect([head.through, head.more]).toEqual([10, false]);
    expect(brief(items)).toEqual([
      [`${A}@trade@1s`, 5, 8, [8]],
      [`${B}@trade@raw`, 5, 9, [9]],
      [`${B}@trade@raw`, 9, 10, [10]],
      [`${B}@trade@1s`, 5, 10, [9, 10]],
    ]);
  });

  it("is told at once where there is nothing to send again, or only in another log", async () => {
    const { relay } = await served([RAW]);
    relay.replay(10, [RAW]);
    expect(await relay.next("replay")).toMatchObject({
      head: { through: 10, more: false, recovered: true },
      items: [],
    });
    relay.replay(4, [RAW], "e0");
    expect((await relay.next("replay")).head).toMatchObject({ epoch: "e0", recovered: "epoch_changed", more: false });
  });

  it("says from where on there is everything where the ring does not reach back", async () => {
    const { pusher, relay } = await served([RAW]);
    const id = relay.replay(3, [RAW]);
    const asked = await pusher.next("replay");
    pusher.send(replayed(asked.id, 7, 8, [trade(8, A)], { more: true, complete: false }));
    pusher.send(replayed(asked.id, 8, 10, [trade(9, A)], { complete: true }));
    expect(await relay.next("replay")).toMatchObject({
      head: { id, recovered: "too_old", oldest: 7, more: false },
      items: [],
    });
    expect(relay.ops.filter((op) => op === "replay").length).toBe(1);
  });

  it("goes in frames that others need not wait for, whole only with the last", async () => {
    const { pusher, relay } = await served([RAW, `${A}@trade@1s`]);
    const id = relay.replay(3, [RAW, `${A}@trade@1s`]);
    const asked = await pusher.next("replay");
    pusher.send(
      replayed(
        asked.id,
        3,
        10,
        [4, 6, 8].map((seq) => bigTrade(seq, 80_000)),
      ),
    );
    const pages = [await relay.next("replay")];
    while (pages.at(-1)?.head.more) {
      relay.say({ op: "next", id });
      pages.push(await relay.next("replay"));
    }
    expect(pages.map(({ head }) => head.through)).toEqual([3, 10]);
    expect(pages.flatMap(({ items }) => items.flatMap(seqsOf))).toEqual([4, 6, 8, 4, 6, 8]);
  });

  it("holds what the relay does not take only up to a bound, and asks for the rest once more", async () => {
    const { pusher, relay } = await served([RAW]);
    pusher.send(batch(10, 100));
    const asked: number[] = [];
    pusher.ws.addEventListener("message", ({ data }) => {
      const frame = partitionReply.parse(JSON.parse(String(data)));
      if (frame.op !== "replay") return;
      asked.push(frame.from);
      for (let seq = frame.from + 1; seq <= 100; seq += 1) {
        pusher.send(replayed(frame.id, seq - 1, seq, [bigTrade(seq, 200_000)], { more: seq < 100 }));
      }
      pusher.send({ op: "drain", within: frame.from });
    });
    const id = relay.replay(10, [RAW]);
    // By then the whole answer has come.
    await relay.next("drain");
    const pages = [await relay.next("replay")];
    while (pages.at(-1)?.head.more) {
      relay.say({ op: "next", id });
      pages.push(await relay.next("replay"));
    }
    expect(pages.flatMap(({ items }) => items.flatMap(seqsOf))).toEqual(Array.from({ length: 90 }, (_, i) => i + 11));
    expect(asked[1]).toBeGreaterThan(10 + 20);
    expect(asked[1]).toBeLessThan(10 + 30);
  });
});

describe("many replays", () => {
  it("are read a few at a time, the others wait; what is cancelled makes room", async () => {
    const { pusher, relay } = await served([RAW]);
    const ids = Array.from({ length: 10 }, (_, i) => relay.replay(i, [RAW]));
    const asked = [];
    for (let i = 0; i < 8; i += 1) asked.push(await pusher.next("replay"));
    relay.say({ op: "cancel", id: ids[0] ?? 0 });
    relay.want([]);
    await relay.next("wanted");
    expect(pusher.ops.filter((op) => op === "replay").length).toBe(8);
    for (const { id, from } of asked) pusher.send(replayed(id, from, 10, []));
    for (let i = 0; i < 2; i += 1) {
      const { id, from } = await pusher.next("replay");
      pusher.send(replayed(id, from, 10, []));
    }
    for (let i = 0; i < 9; i += 1) expect((await relay.next("replay")).head.more).toBe(false);
    expect(relay.seen.flatMap(({ head }) => (head.op === "replay" ? head.id : [])).sort((a, b) => a - b)).toEqual(
      ids.slice(1),
    );
  });
});

describe("a pusher", () => {
  it("that leaves in the middle of replays has their links closed, and no others", async () => {
    const { feed, pusher, relay } = await served([RAW]);
    const other = await TestRelay.open(feed, "weur-0");
    other.want([`${C}@trade@raw`]);
    await other.next("wanted");
    relay.replay(3, [RAW]);
    await pusher.next("replay");
    pusher.ws.close(1000);
    expect(await relay.closed).toBe(4000);
    expect((await other.next("status")).head.status.state).toBe("live");
    expect((await other.next("status")).head.status.state).toBe("down");
    // What is asked now waits for the next one.
    other.replay(3, [`${C}@trade@raw`]);
    const next = await openPusher(feed);
    const { id } = await next.next("replay");
    next.send(replayed(id, 3, 10, [trade(9, C)]));
    expect(brief((await other.next("replay")).items)).toEqual([[`${C}@trade@raw`, 3, 9, [9]]]);
  });

  it("that is not there is waited for by a replay, too, where the feed knows nothing", async () => {
    const feed = newPartition();
    const relay = await TestRelay.open(feed);
    relay.replay(3, [RAW]);
    relay.say({ op: "cancel", id: 1 });
    relay.want([]);
    expect((await relay.next("wanted")).head.epoch).toBeNull();
    expect(relay.ops).toEqual(["wanted"]);
  });
});

import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { ticker, trade } from "../testing/test-events.ts";
import { TestPusher } from "../testing/test-feed.ts";
import { openPartitionPublisher, upgrade } from "../testing/test-socket.ts";
import { A, B, batch, C, list, newest, newPartition, URL } from "./testing/test-partition.ts";

const ALL = [A, B, C];
const NOTHING = { op: "ready", epoch: null, through: 0, rates: [] };

type Stub = ReturnType<typeof newPartition>;

const listed = async (feed: Stub, instruments: readonly string[] = ALL) =>
  (await feed.tickers(instruments)).map(({ instrument, seq, asOf }) => [instrument, seq, asOf]);
const one = async (feed: Stub, instrument: string) => {
  const found = await feed.ticker(instrument);
  return found === null ? null : [found.epoch, found.seq, found.asOf];
};

describe("lists", () => {
  it("show the newest ticker of each instrument that is asked for, of lists and of batches", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    expect(await pusher.next("ready")).toEqual(NOTHING);
    pusher.send(list(6, 10, [newest(C, 5)], { more: true }));
    pusher.send(list(6, 10, [newest(A, 4)]));
    expect(await listed(feed)).toEqual([
      [A, 4, 10],
      [C, 5, 10],
    ]);
    pusher.send(batch(6, 9, [trade(7, A), ticker(8, B), ticker(9, C)], { asOf: 2_000_000_000_000 }));
    await vi.waitFor(async () => expect(await one(feed, C)).toEqual(["e1", 9, 2_000_000_000_000]));
    expect(await feed.ticker(B)).toMatchObject({ source: "live", ticker: { price: "1008" } });
    expect(await listed(feed, [B, A])).toEqual([
      [B, 8, 2_000_000_000_000],
      [A, 4, 2_000_000_000_000],
    ]);
    expect(await one(feed, "upbit:X-KRW")).toBeNull();
  });

  it("ask the pusher for what waits, once a second at most, and wait for its word", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    const reads = Promise.all([listed(feed, [A]), one(feed, A), listed(feed, [A])]);
    await pusher.next("read");
    pusher.send(list(6, 10, [newest(A, 4)]));
    expect(await reads).toEqual([[[A, 4, 10]], ["e1", 4, 10], [[A, 4, 10]]]);
    // What has just been heard serves everybody.
    for (let i = 0; i < 20; i += 1) await one(feed, A);
    expect(pusher.ops).toEqual(["ready", "read"]);
    const heard = Date.now();
    await vi.waitFor(
      async () => {
        await one(feed, A);
        expect(pusher.ops).toEqual(["ready", "read", "read"]);
      },
      { timeout: 5000 },
    );
    expect(Date.now() - heard).toBeGreaterThan(500);
  });

  it("wait for a pusher that says nothing no longer than they may", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    const begun = Date.now();
    expect(await listed(feed, [A])).toEqual([]);
    expect(Date.now() - begun).toBeLessThan(2500);
    expect(pusher.ops).toEqual(["ready", "read"]);
  });

  it("are right again after the memory was lost, for which the pusher is asked once, and never unasked", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(6, 10, [newest(A, 4), newest(B, 5)]));
    expect(await listed(feed)).toHaveLength(2);
    await evictDurableObject(feed);
    const before = pusher.ops.length;
    const reading = listed(feed);
    await pusher.next("read");
    pusher.send(list(9, 20, [newest(A, 9), newest(B, 5)]));
    expect(await reading).toEqual([
      [A, 9, 20],
      [B, 5, 20],
    ]);
    expect(pusher.seen.slice(before)).toEqual([NOTHING, { op: "read" }]);
    await evictDurableObject(feed);
    // Woken by something else, it asks for nothing.
    await runInDurableObject(feed, () => undefined);
    expect(pusher.ops.length).toBe(before + 2);
  });

  it("leave nothing in storage", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(6, 10, [newest(A, 4)]));
    expect(await listed(feed, [A])).toHaveLength(1);
    await runInDurableObject(feed, async (_instance, { storage }) => {
      expect([...(await storage.list())]).toEqual([]);
      expect(
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'").toArray(),
      ).toEqual([]);
    });
  });
});

describe("how new a ticker is called", () => {
  it("follows the pusher on, but not where something may have been missed", async () => {
    const feed = newPartition();
    const before = await openPartitionPublisher(feed, URL);
    before.send(list(6, 10, [newest(A, 4), newest(B, 5)]));
    expect(await listed(feed)).toHaveLength(2);
    // Another pusher goes on from what is committed: what its predecessor had read, and not told, it does not know.
    const next = await openPartitionPublisher(feed, URL);
    expect(await next.next("ready")).toEqual({ ...NOTHING, epoch: "e1", through: 6 });
    next.send(list(16, 20, [newest(A, 16)], { from: 15 }));
    next.send(list(17, 30, [], { from: 16 }));
    await vi.waitFor(async () =>
      expect([await one(feed, A), await one(feed, B)]).toEqual([
        ["e1", 16, 30],
        ["e1", 5, 10],
      ]),
    );
    next.send(batch(17, 35, [ticker(35, B)], { asOf: 4_000_000_000_000 }));
    await vi.waitFor(async () => expect(await one(feed, B)).toEqual(["e1", 35, 4_000_000_000_000]));
  });

  it("is made good when everything is told from further back", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(6, 10, [newest(A, 4)]));
    pusher.send(list(30, 30, [], { from: 20 }));
    await vi.waitFor(async () => expect(await one(feed, A)).toEqual(["e1", 4, 10]));
    pusher.send(list(40, 40, [], { from: 6 }));
    await vi.waitFor(async () => expect(await one(feed, A)).toEqual(["e1", 4, 40]));
  });

  it("stands still when another log begins, of which the instrument has had nothing", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(900, 10, [newest(A, 900), newest(B, 7)]));
    pusher.send(list(3, 20, [newest(A, 2, "e2")], { epoch: "e2", from: 1 }));
    await vi.waitFor(async () =>
      expect([await one(feed, A), await one(feed, B)]).toEqual([
        ["e2", 2, 20],
        ["e1", 7, 10],
      ]),
    );
  });
});

describe("a feed that the pusher does not know everything for", () => {
  it("asks the instrument's own feed, and calls what that has no newer than it is", async () => {
    const feed = newPartition();
    const instrument = "upbit:QUIET-KRW";
    const own = await TestPusher.open(env.SYMBOL_FEED.getByName(instrument));
    own.push([ticker(2, instrument)]);
    await own.stored(2);
    const { logged } = ticker(2, instrument);
    // No pusher is there, then one that has begun after that ticker.
    expect(await listed(feed, [instrument, "upbit:NEVER-KRW"])).toEqual([[instrument, 2, logged]]);
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(50, logged + 1000, [], { from: 40 }));
    expect(await listed(feed, [instrument])).toEqual([[instrument, 2, logged]]);
    await evictDurableObject(feed);
    const reading = listed(feed, [instrument]);
    await pusher.next("read");
    pusher.send(list(60, logged + 2000, [], { from: 40 }));
    expect(await reading).toEqual([[instrument, 2, logged]]);
    // One that reaches back further knows that this is the newest.
    pusher.send(list(70, logged + 3000, [], { from: 1 }));
    await vi.waitFor(async () => expect(await listed(feed, [instrument])).toEqual([[instrument, 2, logged + 3000]]));
  });
});

describe("what a pusher sends", () => {
  it("is asked for again where something is missing, and begun anew in another log", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    await pusher.next("ready");
    pusher.send(batch(5, 6, [ticker(6, A)]));
    expect(await pusher.next("ready")).toEqual(NOTHING);
    pusher.send(list(6, 10, [newest(A, 4)]));
    pusher.send(batch(8, 9, [ticker(9, A)]));
    pusher.send(batch(9, 10, [ticker(10, A)]));
    expect(await pusher.next("resend")).toEqual({ op: "resend", epoch: "e1", from: 6 });
    pusher.send(batch(6, 10, [ticker(9, A), ticker(10, A)]));
    await vi.waitFor(async () => expect((await one(feed, A))?.[1]).toBe(10));
    expect(pusher.ops.filter((op) => op === "resend")).toEqual(["resend"]);
  });

  it("forgets what is no longer collected", async () => {
    const feed = newPartition();
    const pusher = await openPartitionPublisher(feed, URL);
    pusher.send(list(6, 10, [newest(A, 4), newest(B, 5)]));
    pusher.send({ op: "gone", instruments: [A, "upbit:X-KRW"] });
    await vi.waitFor(async () => expect(await listed(feed, [A, B])).toEqual([[B, 5, 10]]));
  });

  it("counts only of the last one that came", async () => {
    const feed = newPartition();
    const first = await openPartitionPublisher(feed, URL);
    const second = await openPartitionPublisher(feed, URL);
    await first.next("replaced");
    expect((await first.closed).code).toBe(4000);
    second.send(list(6, 10, [newest(A, 4)]));
    expect(await listed(feed, [A])).toEqual([[A, 4, 10]]);
    await evictDurableObject(feed);
    const reading = listed(feed, [A]);
    await second.next("read");
    second.send(list(6, 11, [newest(A, 4)]));
    expect(await reading).toEqual([[A, 4, 11]]);
  });

  it.each(["nonsense", '{"op":"tickers"}', '{"op":"batch","v":99}'])("ends its socket when it is %s", async (text) => {
    const feed = newPartition();
    const ws = await upgrade(feed, URL);
    const closed = new Promise<CloseEvent>((resolve) => ws.addEventListener("close", resolve));
    ws.accept();
    ws.send(text);
    expect((await closed).code).toBe(4200);
    expect(await listed(feed, [A])).toEqual([]);
  });
});

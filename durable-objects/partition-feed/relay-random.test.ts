/** Whatever may happen between a pusher, a partition's feed and a relay: the real feed, and the pusher's real end of its link. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { EdgeTotals } from "../../ingestor/push/edge-totals.ts";
import { dueOn, GRID } from "../../ingestor/push/grid.ts";
import { NewestTickers } from "../../ingestor/push/newest-tickers.ts";
import { PartitionLink } from "../../ingestor/push/partition-link.ts";
import { EventRing } from "../../ingestor/push/ring.ts";
import { RingMemory } from "../../ingestor/push/ring-memory.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import { partitionFrame } from "../../protocol/partition-frames.ts";
import { gap, ticker, trade } from "../testing/test-events.ts";
import { upgrade } from "../testing/test-socket.ts";
import { CheckingRelay } from "./testing/checking-relay.ts";
import { A, B, C, newPartition, URL } from "./testing/test-partition.ts";

const INSTRUMENTS = [A, B, C];
const ALL_RAW = "upbit:*-KRW@trade@raw";
const KINDS = [trade, trade, ticker, gap];
const NAMES = ["upbit:A-KRW", "upbit:B-KRW", "upbit:*-KRW", "upbit:C-*"].flatMap((instruments) =>
  ["trade@raw", "trade@100ms", "trade@1s", "ticker@100ms"].map((rest) => `${instruments}@${rest}`),
);

/** A log, its pusher, and the feed and relay that are served. */
class World {
  readonly feed = newPartition();
  readonly logs = new Map<string, LoggedEvent[]>();
  readonly checked = { live: 0, replayed: 0, closed: 0 };
  relay: CheckingRelay | undefined;
  #incarnation = 0;
  #offset = 1;
  #pusher = this.#newPusher(1);
  #socket: WebSocket | undefined;
  #now = 1_000_000;
  #ticks = 0;

  get epoch(): string {
    return `e${this.#incarnation}-0`;
  }

  write(kinds: readonly number[]): void {
    for (const kind of kinds) {
      this.#offset += 1 + (kind % 2);
      const instrument = INSTRUMENTS[kind % 3] ?? A;
      const logged = (KINDS[kind % 4] ?? trade)(this.#offset, instrument);
      this.logs.set(this.epoch, [...(this.logs.get(this.epoch) ?? []), logged]);
      const { type } = logged.event;
      const origin = { kind: "event", incarnation: this.epoch, term: 1 } as const;
      const at = { offset: this.#offset, logged: logged.logged, key: instrument };
      const record = { ...at, value: JSON.stringify(logged.event), type, origin };
      if (type === "ticker") this.#pusher.newest.take(record);
      this.#pusher.ring.append(record);
    }
    this.#pusher.link.onRead(this.#now);
  }

  tick(times: number): void {
    for (let i = 0; i < times; i += 1) {
      this.#now += GRID;
      this.#ticks += 1;
      this.#pusher.link.onGrid(this.#now, dueOn(this.#ticks));
    }
  }

  /** Connects the pusher where it is not. */
  async connect(): Promise<void> {
    if (this.#socket !== undefined) return;
    const ws = await upgrade(this.feed, URL);
    this.#socket = ws;
    const { link } = this.#pusher;
    ws.addEventListener("message", ({ data }) => {
      if (this.#socket === ws) link.onMessage(String(data));
    });
    ws.accept();
    const send = (text: string, sent?: () => void) => {
      const texts = pagesOf(text);
      const sendNext = () => {
        const next = texts.shift();
        if (next !== undefined && this.#socket === ws) ws.send(next);
        if (texts.length > 0) setTimeout(sendNext, 0);
        else if (sent !== undefined) setTimeout(sent, 0);
      };
      sendNext();
    };
    link.opened({ send, bufferedAmount: 0, readyState: 1, OPEN: 1 } as never);
  }

  cut(): void {
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.#pusher.link.closed();
  }

  /** Another pusher: it knows the log from so many offsets before its end. */
  restart(back: number): void {
    this.cut();
    const from = Math.max(1, this.#offset - back);
    const events = this.logs.get(this.epoch)?.filter(({ seq }) => seq > from) ?? [];
    this.#pusher = this.#newPusher(from);
    for (const { seq, logged, event } of events) {
      const record = { offset: seq, logged, key: event.instrument, value: JSON.stringify(event), type: event.type };
      const origin = { kind: "event", incarnation: this.epoch, term: 1 } as const;
      if (event.type === "ticker") this.#pusher.newest.take({ ...record, origin });
      this.#pusher.ring.append(record);
    }
    this.#pusher.ring.reach(this.#offset, 0);
  }

  changeEpoch(): void {
    this.#pusher.link.onEpochEnds(this.#now);
    this.#incarnation += 1;
    this.#offset = 1;
    this.#pusher.ring.begin(1);
    this.#pusher.newest.begin(this.epoch, 1);
    this.write([0, 1, 2]);
  }

  async dial(): Promise<CheckingRelay> {
    if (this.relay?.open) return this.relay;
    this.#leave();
    const ws = await upgrade(this.feed, `${URL}?relay=apac-0`);
    this.relay = new CheckingRelay(ws, (epoch) => this.logs.get(epoch) ?? []);
    return this.relay;
  }

  /** What was sent before has been read, and what that led to, there and back. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i += 1) await runInDurableObject(this.feed, () => undefined);
  }

  /** In the end the relay must have come to the end of the log. */
  async finish(): Promise<void> {
    await this.connect();
    for (let tries = 0; ; tries += 1) {
      const relay = await this.dial();
      relay.want(
        [ALL_RAW, `${A}@trade@1s`].filter((name) => !relay.wants.has(name)),
        [],
      );
      await vi.waitFor(() => expect(!relay.open || relay.settled).toBe(true), { timeout: 8000, interval: 2 });
      this.write([0, 1, 5]);
      await vi.waitFor(
        () => {
          this.tick(10);
          const { raw, "1s": slow } = relay.through;
          const isThere = relay.epoch === this.epoch && Math.min(raw, slow) >= this.#offset && relay.position >= raw;
          expect(!relay.open || isThere).toBe(true);
        },
        { timeout: 8000, interval: 2 },
      );
      await this.#resume(relay);
      if (relay.open || tries > 5) break;
    }
    expect(this.relay?.open).toBe(true);
    this.relay?.leave();
    this.#leave();
    this.cut();
  }

  async #resume(relay: CheckingRelay): Promise<void> {
    for (const id of [...relay.replays.keys()]) relay.page(id, true);
    const id = relay.replay(Math.max(0, relay.position - 10), [ALL_RAW], true);
    const isDone = () => !relay.open || relay.replays.get(id)?.atEnd !== false;
    await vi.waitFor(() => expect(isDone()).toBe(true), { timeout: 8000, interval: 2 });
  }

  #leave(): void {
    if (this.relay === undefined) return;
    expect(this.relay.faults).toEqual([]);
    this.checked.live += this.relay.checked.live;
    this.checked.replayed += this.relay.checked.replayed;
    this.checked.closed += 1;
    this.relay = undefined;
  }

  #newPusher(from: number) {
    const ring = new EventRing(new RingMemory(30_000));
    const newest = new NewestTickers();
    ring.begin(from);
    newest.begin(this.epoch, from);
    const status = '{"state":"live","source":"live","since":1}';
    const view = () => ({ epoch: this.epoch, asOf: this.#now, status, source: "live" as const });
    const counted = new EdgeTotals("upbit").source("partition_feed");
    return { ring, newest, link: new PartitionLink({ ring, newest, view, counted, onReplaced: () => undefined }) };
  }
}

/** What fits one page of a replay comes in two all the same: between them there may be anything else. */
function pagesOf(text: string): string[] {
  const frame = partitionFrame.parse(upgradeIngest(JSON.parse(text)));
  if (frame.op !== "replayed" || frame.events.length < 2 || frame.more) return [text];
  const events = frame.events.slice(0, frame.events.length / 2);
  const middle = events.at(-1)?.seq ?? frame.from;
  const rest = { ...frame, from: middle, events: frame.events.slice(events.length) };
  return [{ ...frame, events, through: middle, more: true }, rest].map(encodeIngest);
}

const step = fc.oneof(
  { weight: 16, arbitrary: fc.tuple(fc.constant("write" as const), fc.array(fc.nat(11), { maxLength: 6 })) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("tick" as const), fc.tuple(fc.nat(3))) },
  { weight: 14, arbitrary: fc.tuple(fc.constant("settle" as const), fc.constant([])) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("want" as const), fc.tuple(fc.nat(15), fc.nat(15))) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("drop" as const), fc.tuple(fc.nat(3))) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("replay" as const), fc.tuple(fc.nat(40), fc.nat(3), fc.nat(2))) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("page" as const), fc.tuple(fc.nat(2))) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("evict" as const), fc.constant([])) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("hangUp" as const), fc.constant([])) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("cut" as const), fc.constant([])) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("connect" as const), fc.constant([])) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restart" as const), fc.tuple(fc.nat(30))) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("epoch" as const), fc.constant([])) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function act(world: World, [what, numbers]: Step): Promise<void> {
  const [first = 0, second = 0, third = 0] = numbers;
  const { relay } = world;
  switch (what) {
    case "write":
      world.write(numbers);
      break;
    case "tick":
      world.tick(1 + first);
      break;
    case "settle":
      await world.settle();
      break;
    case "want": {
      const dialled = await world.dial();
      const names = [NAMES[first] ?? "", NAMES[second] ?? ""].filter((name) => !dialled.wants.has(name));
      dialled.want([...new Set(names)], []);
      break;
    }
    case "drop":
      relay?.want([], [...relay.wants.keys()].slice(first, first + 1));
      break;
    case "replay": {
      const names = [...(relay?.wants ?? [])].flatMap(([name, { asked }]) =>
        asked === undefined && name.includes("@trade@") ? [name] : [],
      );
      if (relay === undefined || relay.epoch === null || names.length === 0) break;
      relay.replay(Math.max(0, relay.position - first), names.slice(second % names.length), third > 0);
      break;
    }
    case "page":
      for (const [id, { eager, atEnd }] of relay?.replays ?? []) {
        if (atEnd || !eager) relay?.page(id, atEnd && first === 0);
      }
      break;
    case "evict":
      // Only an object that runs can be evicted.
      await world.settle();
      await evictDurableObject(world.feed);
      break;
    case "hangUp":
      relay?.leave();
      break;
    case "cut":
      world.cut();
      break;
    case "connect":
      await world.connect();
      break;
    case "restart":
      world.restart(first);
      break;
    case "epoch":
      world.changeEpoch();
      break;
  }
}

const RUNS = 20;

it("sends a relay everything of its trade streams, each once and in order, over whatever happens", async () => {
  const checked = { live: 0, replayed: 0, closed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120, size: "max" }), async (steps) => {
      const world = new World();
      await world.connect();
      for (const one of steps) {
        await act(world, one);
        expect(world.relay?.faults ?? []).toEqual([]);
      }
      await world.finish();
      for (const key of ["live", "replayed", "closed"] as const) checked[key] += world.checked[key];
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(checked.live).toBeGreaterThan(RUNS * 3);
  expect(checked.replayed).toBeGreaterThan(RUNS * 2);
}, 240_000);

/** Searches for a way to have it lose, repeat or reorder something. SEED=… RUNS=… for another or a longer search. */

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mulberry32 } from "../simulator/random.ts";
import { type StreamHandle, TickcastClient } from "./client.ts";
import { INSTRUMENTS, type Owed, ScriptedServer, standsFor } from "./testing/scripted-server.ts";

const NAMES = [
  "upbit:*-KRW@trade@1s",
  "upbit:A-*@trade@1s",
  "*:B-*@trade@1s",
  "upbit:A-KRW@trade@1s",
  "upbit:D-KRW@trade@1s",
];
const name = fc.integer({ min: 0, max: NAMES.length - 1 });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("trade" as const), count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("flush" as const), tells: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("lose" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("cut" as const), code: fc.constantFrom(1006, 4000, 4001, 4100) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("subscribe", "unsubscribe", "pause", "resume"), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("log" as const), partition: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 50, 400) }) },
);

/** One subscription, what it was given, and what it is owed. */
class Listener {
  readonly name: string;
  readonly got = new Map<string, number[]>();
  readonly owed: Owed = new Map();
  /** The last item, of which each names the one before. */
  readonly last = new Map<string, number>();
  handle: StreamHandle | undefined;

  constructor(stream: string) {
    this.name = stream;
  }

  put(key: string, seqs: readonly number[]): void {
    this.got.set(key, [...(this.got.get(key) ?? []), ...seqs]);
  }
}

class World {
  readonly listeners = new Map<string, Listener>();
  readonly server: ScriptedServer;
  readonly client: TickcastClient;
  readonly missing: string[] = [];

  constructor(seed: number) {
    this.server = new ScriptedServer(mulberry32(seed), (stream, owed) => {
      for (const [epoch, seq] of owed) this.listeners.get(stream)?.owed.set(epoch, seq);
    });
    const onError = ({ code }: { code: string }) => this.missing.push(code);
    this.client = new TickcastClient({ url: "http://scripted", dial: this.server.dial, maxPause: 10, onError });
  }

  subscribe(stream: string): void {
    const listener = new Listener(stream);
    this.listeners.set(stream, listener);
    listener.handle = this.client.subscribe(stream, {
      onItem: ({ epoch, instrument, prev, seq, snapshot, trades = [] }) => {
        const key = `${epoch}/${instrument}`;
        const before = listener.last.get(key);
        if (!snapshot && before !== undefined) expect(prev, `${stream} ${key} ${seq}`).toBe(before);
        listener.last.set(key, seq);
        if (!snapshot)
          listener.put(
            key,
            trades.map(({ seq }) => seq),
          );
      },
    });
  }

  act(one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
    const stream = "name" in one ? (NAMES[one.name] ?? "") : "";
    const handle = this.listeners.get(stream)?.handle;
    if (one.do === "trade") this.server.append(one.count);
    if (one.do === "flush") this.server.flush(false, one.tells);
    if (one.do === "lose") this.server.flush(true, false);
    if (one.do === "cut") this.server.cut(one.code);
    if (one.do === "log") this.server.changeLog(one.partition);
    if (one.do === "subscribe") this.subscribe(stream);
    if (one.do === "pause") handle?.pause();
    if (one.do === "resume") handle?.resume();
    if (one.do === "unsubscribe") {
      handle?.unsubscribe();
      this.listeners.delete(stream);
    }
  }

  /** Nothing is lost any more, and everyone listens. */
  async settle(): Promise<void> {
    for (const { handle } of this.listeners.values()) handle?.resume();
    this.server.cut(1006);
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(2000);
      this.server.flush(false, true);
    }
    await vi.advanceTimersByTimeAsync(2000);
  }

  check(): void {
    for (const { name: stream, owed, got } of this.listeners.values()) {
      for (const { epoch, events } of this.server.logs) {
        const isCurrent = [0, 1].some((partition) => this.server.logAt(partition).epoch === epoch);
        for (const instrument of INSTRUMENTS.filter((one) => standsFor(stream, one))) {
          const from = owed.get(epoch) ?? Number.POSITIVE_INFINITY;
          const expected = events
            .filter((one) => one.instrument === instrument && one.seq > from)
            .map(({ seq }) => seq);
          const seqs = got.get(`${epoch}/${instrument}`) ?? [];
          // Of a log that has ended, the rest can't be had any more.
          expect(seqs, `${stream} ${epoch}/${instrument}`).toEqual(
            isCurrent ? expected : expected.slice(0, seqs.length),
          );
        }
      }
    }
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("whatever is lost, cut, repeated, paused or replaced, each subscription has every trade that it is owed, once, in order", async () => {
  let found = 0;
  let trades = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), async (steps, seed) => {
      const world = new World(seed);
      world.subscribe(NAMES[seed % NAMES.length] ?? "");
      await vi.advanceTimersByTimeAsync(1);
      for (const one of steps) {
        world.act(one);
        if (one.do === "wait") await vi.advanceTimersByTimeAsync(one.ms);
      }
      await world.settle();
      world.check();
      found += world.missing.filter((code) => code === "missing_items").length;
      for (const { got } of world.listeners.values()) trades += [...got.values()].flat().length;
      world.client.close();
    }),
    {
      numRuns: Number(process.env["RUNS"] ?? 400),
      ...(process.env["SEED"] ? { seed: Number(process.env["SEED"]) } : {}),
    },
  );
  // The search comes by what it is for.
  expect(found).toBeGreaterThan(0);
  expect(trades).toBeGreaterThan(1000);
});

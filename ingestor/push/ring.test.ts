import * as fc from "fast-check";
import { expect, it } from "vitest";
import { EventRing, RING_PERIOD, type RingEvent } from "./ring.ts";
import { RingMemory } from "./ring-memory.ts";

const KEYS = ["a", "b", "c"];

function event(offset: number, logged: number, key = "a", size = 10): RingEvent {
  return { offset, logged, key, value: "x".repeat(size) };
}

/** All pages after a position. */
function pages(ring: EventRing, after: number, bytes: number, instruments?: ReadonlySet<string>): RingEvent[] {
  const all: RingEvent[] = [];
  for (let from = after; ; ) {
    const { events, through, next } = ring.page(from, { to: ring.end, bytes, instruments });
    all.push(...events);
    if (next === undefined) {
      expect(through).toBe(Math.max(after, ring.end));
      return all;
    }
    expect(events.length).toBeGreaterThan(0);
    expect(next.offset).toBeGreaterThan(through);
    from = through;
  }
}

it("has everything after its floor, whatever was appended, evicted by bytes or by age, and asked for", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        ring: fc.nat(1),
        key: fc.nat(2),
        size: fc.nat(400),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("reach" as const), ring: fc.nat(1), key: fc.nat(2), size: fc.nat(3) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("begin" as const), ring: fc.nat(1), key: fc.nat(2), size: fc.nat(3) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("replay" as const),
        ring: fc.nat(1),
        key: fc.nat(2),
        size: fc.nat(900),
      }),
    },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, fc.nat(20_000)), { maxLength: 300, size: "max" }),
      fc.integer({ min: 500, max: 20_000 }),
      (steps, limit) => {
        const memory = new RingMemory(limit);
        const rings = [new EventRing(memory), new EventRing(memory)].map((ring) => ({ ring, log: [] as RingEvent[] }));
        for (const one of rings) one.ring.begin(5);
        let now = 0;
        for (const [{ kind, ring: index, key, size }, passed] of steps) {
          const { ring, log } = rings[index] ?? { ring: new EventRing(memory), log: [] };
          now += passed;
          const offset = ring.end + 1 + (size % 3);
          if (kind === "append") {
            const one = event(offset, now, KEYS[key], size);
            log.push(one);
            ring.append(one);
            expect(memory.bytes).toBeLessThanOrEqual(limit);
          } else if (kind === "reach") ring.reach(offset, now);
          else if (kind === "begin") ring.begin(offset);
          else {
            const floor = ring.floor ?? 0;
            const after = floor + (size % (ring.end - floor + 1));
            expect([ring.reaches(after), ring.reaches(floor - 1)]).toEqual([true, false]);
            const expected = log.filter((one) => one.offset > after);
            expect(ring.hasAfter(after)).toBe(expected.length > 0);
            expect(pages(ring, after, size)).toEqual(expected);
            const wanted = new Set(KEYS.slice(0, key));
            expect(pages(ring, after, size, wanted)).toEqual(expected.filter((one) => wanted.has(one.key)));
          }
          if (kind === "append" || kind === "reach")
            expect(ring.oldest ?? now).toBeGreaterThanOrEqual(now - RING_PERIOD);
        }
        for (const { ring } of rings) ring.close();
        expect(memory.bytes).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
});

it("keeps a minute by the log's time, however fast or long ago that was read", () => {
  const ring = new EventRing(new RingMemory(1_000_000));
  ring.begin(0);
  for (let i = 1; i <= 100; i += 1) ring.append(event(i, i * 1000));
  expect([ring.floor, ring.oldest, ring.end]).toEqual([39, 40_000, 100]);
  ring.reach(150, 130_000);
  expect([ring.floor, ring.end]).toEqual([69, 150]);
});

it("lets the ring give way that reaches back furthest", () => {
  const memory = new RingMemory(40_000);
  const [slow, busy] = [new EventRing(memory), new EventRing(memory)];
  for (const ring of [slow, busy]) ring.begin(0);
  for (let i = 1; i <= 1000; i += 1) {
    if (i % 10 === 0) slow.append(event(i, i));
    busy.append(event(i, i));
  }
  const [a, b] = [slow.oldest ?? 0, busy.oldest ?? 0];
  expect(memory.bytes).toBeLessThanOrEqual(40_000);
  expect(memory.bytes).toBeGreaterThan(20_000);
  // A ring lets go of 64 events at once: of the slow one these are 640 positions.
  expect(Math.abs(a - b)).toBeLessThanOrEqual(640);
});

import { expect, it } from "vitest";
import { BackfillQueue, type Waiting } from "./backfill-queue.ts";

const waiting = (...instruments: string[]): Waiting[] =>
  instruments.map((instrument, index) => ({ instrument, due: 0, trades: 100 - index }));
/** All that is taken at a time, without an end of any of it. */
function takeAll(queue: BackfillQueue, all: readonly Waiting[], now: number): string[] {
  const taken: string[] = [];
  for (let one = queue.take(all, now); one !== undefined; one = queue.take(all, now)) taken.push(one);
  return taken;
}

it("gives the busiest first, four at a time, each once", () => {
  const queue = new BackfillQueue();
  const all = waiting("a", "b", "c", "d", "e").toReversed();
  expect(takeAll(queue, all, 1)).toEqual(["a", "b", "c", "d"]);
  expect(queue.wait(all, 1)).toBeUndefined();
  queue.succeeded("b");
  expect(
    takeAll(
      queue,
      all.filter(({ instrument }) => instrument !== "b"),
      1,
    ),
  ).toEqual(["e"]);
});

it("gives nothing before it is due, and says how long that is", () => {
  const queue = new BackfillQueue();
  const all = [
    { instrument: "a", due: 1000, trades: 1 },
    { instrument: "b", due: 500, trades: 1 },
  ];
  expect([queue.take(all, 400), queue.wait(all, 400)]).toEqual([undefined, 100]);
  expect([queue.take(all, 500), queue.wait(all, 500)]).toEqual(["b", 500]);
  expect(queue.wait([], 500)).toBeUndefined();
});

it("puts what fails behind the rest, and leaves it in peace for a while", () => {
  const queue = new BackfillQueue();
  const all = waiting("bad", "good");
  expect(queue.take(all, 0)).toBe("bad");
  queue.failed("bad", 0);
  expect(takeAll(queue, all, 0)).toEqual(["good"]);
  const wait = queue.wait(all, 0) ?? 0;
  expect(wait).toBeGreaterThanOrEqual(250);
  expect(wait).toBeLessThanOrEqual(500);
  queue.failed("good", 1000);
  queue.failed("bad", 1000);
  expect(takeAll(queue, all, 10_000)).toEqual(["good", "bad"]);
});

it("keeps a place for those that have not failed", () => {
  const queue = new BackfillQueue();
  const bad = waiting("bad1", "bad2", "bad3", "bad4");
  for (const { instrument } of bad) {
    queue.take(bad, 0);
    queue.failed(instrument, 0);
  }
  expect(takeAll(queue, bad, 60_000).length).toBe(3);
  expect(takeAll(queue, [...bad, ...waiting("new")], 60_000)).toEqual(["new"]);
});

it("asks less and less often where nobody is answered, and at once again when one is", () => {
  const queue = new BackfillQueue();
  const all = waiting(...Array.from({ length: 40 }, (_, i) => `i${i}`));
  let now = 0;
  const quiet: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    for (const instrument of takeAll(queue, all, now)) queue.failed(instrument, now);
    const wait = queue.wait(all, now) ?? 0;
    quiet.push(wait);
    now += wait;
  }
  expect(quiet.slice(0, 7).every((wait, i) => wait >= Math.min(15_000, 250 * 2 ** i))).toBe(true);
  const [one = ""] = takeAll(queue, all, now);
  queue.succeeded(one);
  expect(takeAll(queue, all, now).length).toBeGreaterThan(0);
});

it("does not make others wait for one that fails alone", () => {
  const queue = new BackfillQueue();
  let now = 0;
  for (let i = 0; i < 20; i += 1) {
    expect(queue.take(waiting("bad"), now)).toBe("bad");
    queue.failed("bad", now);
    now += 30_000;
  }
  queue.take(waiting("bad"), now);
  queue.failed("bad", now);
  expect(queue.take(waiting("bad", "new"), now)).toBe("new");
});

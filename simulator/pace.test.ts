import { expect, test } from "vitest";
import { Pace } from "./pace.ts";

test("5,000 steps a second come out at 5,000 a second", async () => {
  let steps = 0;
  const { promise: enough, resolve: done } = Promise.withResolvers<void>();
  const pace = new Pace(() => {
    steps += 1;
    if (steps === 5_000) done();
  }, 5_000);
  const started = performance.now();
  pace.resume();
  await enough;
  const took = performance.now() - started;
  pace.pause();
  // A 5 ms timer may be late, the count it owes may not be wrong.
  expect(took).toBeGreaterThan(950);
  expect(took).toBeLessThan(1_300);
});

test("the rate can change while it runs, and a pause owes nothing", async () => {
  let steps = 0;
  const pace = new Pace(() => {
    steps += 1;
  }, 0);
  pace.resume();
  pace.setRate(1_000);
  await expect.poll(() => steps).toBeGreaterThan(20);
  pace.pause();
  expect(pace.paused).toBe(true);
  expect(() => pace.setRate(5_001)).toThrow("rate 5001 is not within 0 … 5000 trades/s");
  expect(pace.rate).toBe(1_000);
});

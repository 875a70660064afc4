import { afterEach, expect, test, vi } from "vitest";
import { Pace } from "./pace.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("5,000 steps a second come out at 5,000 a second", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  let steps = 0;
  const pace = new Pace(() => {
    steps += 1;
  }, 5_000);
  pace.resume();
  vi.advanceTimersByTime(1_000);
  expect(steps).toBe(5_000);
  pace.pause();
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

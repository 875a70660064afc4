import { afterEach, expect, test, vi } from "vitest";
import { Pace } from "./pace.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("5,000 steps a second come out at 5,000 a second, however late the timer is; no more than a second is caught up", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  let steps = 0;
  const pace = new Pace(() => {
    steps += 1;
  }, 5_000);
  pace.resume();
  for (const late of [5, 37, 3, 400, 55.5, 499.5]) {
    now += late;
    vi.advanceTimersToNextTimer();
    expect(steps).toBe(Math.floor(5 * now));
  }
  expect(steps).toBe(5_000);
  now += 60_000;
  vi.advanceTimersToNextTimer();
  expect(steps).toBe(10_000);
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

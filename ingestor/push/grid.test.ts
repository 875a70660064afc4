import { expect, it } from "vitest";
import { RATE_PERIODS, RATES } from "../../protocol/stream.ts";
import { dueOn, GRID } from "./grid.ts";

it("has every rate due once in each of its periods, and raw never", () => {
  const seconds = 60;
  const ticks = Array.from({ length: (seconds * 1000) / GRID }, (_, i) => dueOn(i + 1));
  for (const rate of RATES) {
    const period = RATE_PERIODS[rate];
    const times = ticks.filter((due) => due.includes(rate)).length;
    expect(times, rate).toBe(period === null ? 0 : (seconds * 1000) / period);
  }
  expect([9, 10, 11].map(dueOn)).toEqual([["100ms"], ["100ms", "1s"], ["100ms"]]);
});

import { expect, test } from "vitest";
import { WeightMeter } from "./weight.ts";

test("weights add up for each IP within a minute of the clock", () => {
  let now = Date.UTC(2026, 0, 5, 12, 0, 15);
  const meter = new WeightMeter(50, () => now);
  expect(meter.spend("a", 25)).toEqual({ used: 25 });
  expect(meter.spend("a", 25)).toEqual({ used: 50 });
  expect(meter.spend("b", 4)).toEqual({ used: 4 });
  expect(meter.spend("a", 4)).toEqual({ used: 54, retryAfter: 45 });
  now += 45_000;
  expect(meter.spend("a", 4)).toEqual({ used: 4 });
});

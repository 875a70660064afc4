import { expect, test } from "vitest";
import { Allowance } from "./allowance.ts";

test("counts down for each IP on its own, and begins anew with the next window", () => {
  let now = 0;
  const allowance = new Allowance({ count: 2, withinMs: 1_000 }, () => now);
  expect(allowance.take("a")).toEqual({ remaining: 1, resetSeconds: 1, exceeded: false });
  now = 999;
  expect(allowance.take("a")).toEqual({ remaining: 0, resetSeconds: 1, exceeded: false });
  expect(allowance.take("a")).toEqual({ remaining: 0, resetSeconds: 1, exceeded: true });
  expect(allowance.take("b").exceeded).toBe(false);
  now = 1_000;
  expect(allowance.take("a")).toEqual({ remaining: 1, resetSeconds: 1, exceeded: false });
});

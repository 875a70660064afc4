import { expect, test } from "vitest";
import { FixedWindowLimiter } from "./fixed-window-limiter.ts";

test("counts down for each IP on its own, and begins anew with the next window", () => {
  let now = 0;
  const limiter = new FixedWindowLimiter({ count: 2, withinMs: 1_000 }, () => now);
  expect(limiter.take("a")).toEqual({ remaining: 1, resetSeconds: 1, exceeded: false });
  now = 999;
  expect(limiter.take("a")).toEqual({ remaining: 0, resetSeconds: 1, exceeded: false });
  expect(limiter.take("a")).toEqual({ remaining: 0, resetSeconds: 1, exceeded: true });
  expect(limiter.take("b").exceeded).toBe(false);
  now = 1_000;
  expect(limiter.take("a")).toEqual({ remaining: 1, resetSeconds: 1, exceeded: false });
});

import { expect, it } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";

it("lets as many attempts through as are allowed, and has the others wait", () => {
  const limiter = new RateLimiter({ count: 2, per: 1000 });
  expect([0, 10, 20, 30, 40].map((now) => limiter.take(now))).toEqual([0, 0, 980, 980, 1960]);
});

it("never makes more than that in any period", () => {
  const limiter = new RateLimiter({ count: 5, per: 1000 });
  const at = Array.from({ length: 200 }, (_, i) => i * 37 + limiter.take(i * 37));
  for (const time of at) expect(at.filter((one) => one >= time && one < time + 1000).length).toBeLessThanOrEqual(5);
});

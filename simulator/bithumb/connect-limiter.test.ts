import { expect, test } from "vitest";
import { ConnectLimiter } from "./connect-limiter.ts";
import { BITHUMB_SETTINGS } from "./settings.ts";

test("who connects more than 10 times in a second is refused, and then blocked for 10 minutes", () => {
  let now = 0;
  const limiter = new ConnectLimiter(BITHUMB_SETTINGS, () => now);
  for (let made = 0; made < 10; made += 1) expect(limiter.refusal("a")).toBeUndefined();
  expect(limiter.refusal("a")).toBe("429 Too Many Requests");
  expect(limiter.refusal("b")).toBeUndefined();
  now = 599_999;
  expect(limiter.refusal("a")).toBe("403 Forbidden");
  now = 600_000;
  expect(limiter.refusal("a")).toBeUndefined();
});

import { expect, test } from "vitest";
import { Doorkeeper } from "./doorkeeper.ts";
import { BITHUMB_SETTINGS } from "./settings.ts";

test("who connects more than 10 times in a second is refused, and then blocked for 10 minutes", () => {
  let now = 0;
  const door = new Doorkeeper(BITHUMB_SETTINGS, () => now);
  for (let made = 0; made < 10; made += 1) expect(door.refusal("a")).toBeUndefined();
  expect(door.refusal("a")).toBe("429 Too Many Requests");
  expect(door.refusal("b")).toBeUndefined();
  now = 599_999;
  expect(door.refusal("a")).toBe("403 Forbidden");
  now = 600_000;
  expect(door.refusal("a")).toBeUndefined();
});

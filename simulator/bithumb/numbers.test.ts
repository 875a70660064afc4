import { expect, test } from "vitest";
import { scaled } from "../scaled.ts";
import { korean, number, ratio, socketId } from "./numbers.ts";

test("spells numbers as quoted frames do", () => {
  expect(number(scaled("95539000"))).toBe("95539000");
  expect(number(scaled("0.00022664"))).toBe("0.00022664");
  expect(number(scaled("10.07"))).toBe("10.07");
  expect(number(0n)).toBe("0");
  expect(number(-scaled("30"))).toBe("-30");
  expect(number(1n)).toBe("0.00000001");
});

test("a ratio is rounded and signed", () => {
  expect(ratio(scaled("8600"), scaled("484500"))).toBe("0.01775026");
  expect(ratio(-scaled("8600"), scaled("484500"))).toBe("-0.01775026");
  expect(ratio(0n, scaled("484500"))).toBe("0");
});

test("the clock is Korea's", () => {
  expect(korean(1_783_658_381_138)).toEqual({ date: "2026-07-10", time: "13:39:41" });
  expect(korean(Date.UTC(2026, 0, 5, 15))).toEqual({ date: "2026-01-06", time: "00:00:00" });
});

test("an id of the WebSocket has 18 digits and keeps the order", () => {
  expect(`${socketId(17_883_351_803_770_004n)}`).toHaveLength(18);
  expect(socketId(2n) > socketId(1n)).toBe(true);
});

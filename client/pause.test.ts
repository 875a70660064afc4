import { expect, test } from "vitest";
import { pauseAfter } from "./pause.ts";

const most = () => 1;
const least = () => 0;

test.each([4200, 4204, 4299])("%i: never again", (code) => expect(pauseAfter(code, 0, 10_000)).toBeNull());

test.each([4000, 4001, 4099, 1000, 1001, 1006, 1011])("%i: at once with jitter, longer when it fails again", (code) => {
  expect([0, 1, 2, 20].map((attempts) => pauseAfter(code, attempts, 10_000, most))).toEqual([200, 400, 800, 10_000]);
  expect(pauseAfter(code, 5, 10_000, least)).toBe(0);
});

test.each([4100, 4101, 4102, 4199])("%i: back off, never for less than half", (code) => {
  expect([0, 1, 20].map((attempts) => pauseAfter(code, attempts, 10_000, most))).toEqual([2000, 4000, 10_000]);
  expect([0, 1, 20].map((attempts) => pauseAfter(code, attempts, 10_000, least))).toEqual([1000, 2000, 5000]);
});

test("never longer than asked, however often it failed", () => {
  expect(pauseAfter(4101, 5000, 300, most)).toBe(300);
  expect(pauseAfter(1006, 5000, 300, most)).toBe(300);
});

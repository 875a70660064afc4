import { expect, test } from "vitest";
import { Window } from "./window.ts";

test("holds what was received from its beginning on, before its end", () => {
  const window = new Window(10, 20);
  expect([9, 10, 19, 20, null].map((time) => window.has(time))).toEqual([false, true, true, false, false]);
});

test("begins where the side that begins last does", () => {
  const window = new Window(10, 20);
  window.beginsNotBefore(15);
  window.beginsNotBefore(12);
  expect(window.from).toBe(15);
  expect([14, 15].map((time) => window.has(time))).toEqual([false, true]);
});

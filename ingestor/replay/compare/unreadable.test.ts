import { expect, test } from "vitest";
import { UnreadableRecords } from "./unreadable.ts";

test("faults that differ only in what they quote are one kind", () => {
  const unreadable = new UnreadableRecords();
  unreadable.add('[3] price: "x" is no number', "line 1");
  unreadable.add('[14] price: "y', "line 2");
  unreadable.add('[14] price: "y" is no number', "line 3");
  unreadable.add("not JSON: Unexpected token", "line 4");
  unreadable.add("not JSON: Unexpected end", "line 5");
  expect(unreadable.kinds).toEqual([
    { reason: '[3] price: "x" is no number', where: "line 1", count: 2 },
    { reason: '[14] price: "y', where: "line 2", count: 1 },
    { reason: "not JSON: Unexpected token", where: "line 4", count: 2 },
  ]);
});

test("more kinds than can be kept are counted", () => {
  const unreadable = new UnreadableRecords();
  for (let i = 0; i < 150; i++) unreadable.add("x".repeat(i), "line 1");
  expect(unreadable.kinds).toHaveLength(100);
  expect(unreadable.total).toBe(150);
});

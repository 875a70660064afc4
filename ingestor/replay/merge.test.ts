import { expect, test } from "vitest";
import { Merge } from "./merge.ts";

const merge = (...sequences: number[]) => new Merge<number>(sequences, (item) => item);

test("gives what nothing still to come can come before", () => {
  const merged = merge(0, 1);
  merged.push(0, [1, 4]);
  expect([...merged.take()]).toEqual([]);
  merged.push(1, [2, 3]);
  expect([...merged.take()]).toEqual([1, 2, 3]);
  expect(merged.heads).toEqual([4]);
  merged.push(1, [5]);
  expect([...merged.take()]).toEqual([4]);
  merged.end(0);
  expect([...merged.take()]).toEqual([5]);
});

test("a sequence that has ended is waited for no longer, and nothing of it is lost", () => {
  const merged = merge(0, 1);
  merged.push(0, [1, 4]);
  merged.end(0);
  expect([...merged.take()]).toEqual([]);
  merged.push(1, [2, 9]);
  expect([...merged.take()]).toEqual([1, 2, 4, 9]);
  merged.end(1);
  expect([[...merged.take()], merged.heads]).toEqual([[], []]);
});

test("the order within a sequence stays as it is, and equals follow the order of the sequences", () => {
  const merged = merge(0, 1);
  merged.push(0, [5, 2]);
  merged.push(1, [5, 7]);
  merged.end(0);
  merged.end(1);
  expect([...merged.take()]).toEqual([5, 2, 5, 7]);
});

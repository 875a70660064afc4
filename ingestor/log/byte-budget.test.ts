import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

test("all owners together hold no more than the budget, and none what is another's", () => {
  const budget = new ByteBudget(900);
  const [a, b, c] = [budget.share(), budget.share(), budget.share()];
  a.bytes = 300;
  b.bytes = 299;
  expect([a.isFull, b.isFull, c.isFull]).toEqual([true, false, false]);
  expect(a.limit + b.limit + c.limit).toBe(900);
});

test("what an owner gives back is for the others", () => {
  const budget = new ByteBudget(900);
  const [a, b] = [budget.share(), budget.share()];
  b.close();
  expect(a.limit).toBe(900);
});

test("one that was full is full until half of it is free", () => {
  const share = new ByteBudget(100).share();
  const full = [100, 99, 51, 50, 99].map((bytes) => {
    share.bytes = bytes;
    return share.isFull;
  });
  expect(full).toEqual([true, true, true, false, false]);
});

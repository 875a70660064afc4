import { beforeEach, expect, it } from "vitest";
import { MessageBudget } from "./message-budget.ts";

let ws = new WebSocketPair()[0];
const other = new WebSocketPair()[0];

beforeEach(() => {
  ws = new WebSocketPair()[0];
});

it("lets so many a second through, and fills up again with time", () => {
  const budget = new MessageBudget(3);
  expect([0, 0, 0, 0].map((now) => budget.spend(ws, now))).toEqual([true, true, true, false]);
  expect(budget.spend(other, 0)).toBe(true);
  expect(budget.spend(ws, 333)).toBe(false);
  expect(budget.spend(ws, 400)).toBe(true);
  expect(budget.spend(ws, 400)).toBe(false);
});

it("saves up no more than a second's worth", () => {
  const budget = new MessageBudget(2);
  budget.spend(ws, 0);
  expect([0, 1, 2].map(() => budget.spend(ws, 60_000))).toEqual([true, true, false]);
});

it("gives credit for what a message turned out to cost, to be waited for", () => {
  const budget = new MessageBudget(10);
  budget.spend(ws, 0);
  budget.charge(ws, 20, 0);
  expect([0, 1000, 1300].map((now) => budget.spend(ws, now))).toEqual([false, false, true]);
});

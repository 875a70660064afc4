import { expect, test } from "vitest";
import { MarketEngine } from "../engine.ts";
import { tradeId } from "./ids.ts";

function numbers(now: number): number[] {
  const engine = new MarketEngine({ now: () => now });
  for (let made = 0; made < 20; made += 1) engine.execute("KRW-BTC");
  return engine.history("KRW-BTC", 100).reverse().map(tradeId);
}

test("numbers rise, stay exact, and go on after those of an earlier run", () => {
  const first = numbers(Date.UTC(2026, 10, 21));
  const all = [...first, ...numbers(Date.UTC(2026, 10, 21, 0, 0, 1)), ...numbers(Date.UTC(2047, 0, 1))];
  expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
  expect(all.every(Number.isSafeInteger)).toBe(true);
});

test("a clock before 2020 has no numbers", () => {
  expect(() => numbers(Date.UTC(2019, 0, 1))).toThrow("within 2020 … 2048");
});

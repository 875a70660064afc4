import { expect, test } from "vitest";
import { TickerOrder } from "./ticker-order.ts";

type Pair = [nth: number, seq: number, connection?: string | null, received?: number];

function broken(...pairs: Pair[]): number[] {
  const order = new TickerOrder();
  return pairs.flatMap(([nth, seq, connection = "a", received = 0]) =>
    order.isBroken(nth, seq, connection, received) ? [seq] : [],
  );
}

test("the same order on both sides is none to speak of", () => {
  expect(broken([1, 10], [2, 11], [7, 40])).toEqual([]);
});

test("two that are swapped are found once", () => {
  expect(broken([1, 10], [3, 11], [2, 12], [4, 13])).toEqual([12]);
  expect(broken([1, 10], [2, 12], [3, 11], [4, 13])).toEqual([11]);
});

test("nothing is said where two connections bring the same, nor where the connection is not known", () => {
  expect(broken([1, 10, "a", 0], [2, 11, "b", 1], [4, 12, "a", 2], [3, 13, "b", 10_000])).toEqual([]);
  expect(broken([1, 10, "a", 0], [2, 11, "b", 1], [4, 12, "b", 20_000], [3, 13, "b", 20_000])).toEqual([13]);
  expect(broken([1, 10, null], [3, 11, null], [2, 12, null])).toEqual([]);
});

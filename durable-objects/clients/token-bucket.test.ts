import { beforeEach, expect, it } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

let ws = new WebSocketPair()[0];
const other = new WebSocketPair()[0];

beforeEach(() => {
  ws = new WebSocketPair()[0];
});

it("lets so many a second through, and fills up again with time", () => {
  const bucket = new TokenBucket(3);
  expect([0, 0, 0, 0].map((now) => bucket.spend(ws, now))).toEqual([true, true, true, false]);
  expect(bucket.spend(other, 0)).toBe(true);
  expect(bucket.spend(ws, 333)).toBe(false);
  expect(bucket.spend(ws, 400)).toBe(true);
  expect(bucket.spend(ws, 400)).toBe(false);
});

it("saves up no more than a second's worth", () => {
  const bucket = new TokenBucket(2);
  bucket.spend(ws, 0);
  expect([0, 1, 2].map(() => bucket.spend(ws, 60_000))).toEqual([true, true, false]);
});

it("gives credit for what a message turned out to cost, to be waited for", () => {
  const bucket = new TokenBucket(10);
  bucket.spend(ws, 0);
  bucket.charge(ws, 20, 0);
  expect([0, 1000, 1300].map((now) => bucket.spend(ws, now))).toEqual([false, false, true]);
});

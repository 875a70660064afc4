import { expect, test } from "vitest";
import { liveCodes, snapshotsOf, type Wish } from "./wishes.ts";

const wish = (type: string, codes: string[], only: Partial<Wish> = {}): Wish => ({
  ...{ type, codes, snapshot: true, realtime: true },
  ...only,
});

test("wishes of one type add up, but for those of snapshots only", () => {
  const wishes = [wish("trade", ["A", "B"]), wish("trade", ["C"]), wish("trade", ["D"], { realtime: false })];
  expect(liveCodes(wishes)).toEqual(new Map([["trade", new Set(["A", "B", "C"])]]));
});

test("snapshots are as many as were asked for, in that order", () => {
  const wishes = [wish("ticker", ["B", "A"]), wish("trade", ["A"], { snapshot: false }), wish("trade", ["B"])];
  expect(snapshotsOf(wishes).map(({ type, code }) => `${type} ${code}`)).toEqual(["ticker B", "ticker A", "trade B"]);
});

import { expect, it } from "vitest";
import { edgeCounts, sumCounts } from "./edge-counts.ts";

it("takes what is absent for zero, and passes over what it does not know", () => {
  expect(edgeCounts.parse({ items: 3, closes: { left: 1 }, later: 7 })).toEqual({
    ...{ clients: 0, streams: 0, frames: 0, bytes: 0, folded: 0, resumes: {} },
    ...{ items: 3, closes: { left: 1 } },
  });
});

it("adds up every number, and each name of its own", () => {
  const numbers = { clients: 1, streams: 2, frames: 3, bytes: 4, items: 5, folded: 6 };
  const a = { ...numbers, resumes: { recovered: 1, too_old: 2 }, closes: {} };
  const b = { ...numbers, resumes: { recovered: 10 }, closes: { left: 1 } };
  expect(sumCounts(a, b)).toEqual({
    ...{ clients: 2, streams: 4, frames: 6, bytes: 8, items: 10, folded: 12 },
    ...{ resumes: { recovered: 11, too_old: 2 }, closes: { left: 1 } },
  });
});

import { expect, test } from "vitest";
import { Admission } from "./admission.ts";

const record = (offset: number, kind: "marker" | "event", term: number) => ({
  offset,
  origin: { kind, incarnation: "a", term },
});

test("from the beginning: what an older collector wrote after a marker is void", () => {
  const admission = new Admission(0);
  expect(admission.counts(record(0, "event", 1))).toBe(false);
  expect(admission.incarnation).toBe("");
  const judged = [record(1, "marker", 2), record(2, "event", 2), record(3, "event", 1), record(4, "event", 2)];
  expect(judged.map((one) => admission.counts(one))).toEqual([false, true, false, true]);
  expect(admission.incarnation).toBe("a");
});

test("from the middle: the first record's own word is taken", () => {
  expect(new Admission(7).counts(record(7, "event", 1))).toBe(true);
});

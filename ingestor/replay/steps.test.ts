import { expect, test } from "vitest";
import { Steps } from "./steps.ts";

const waiting = (steps: Steps<string>) => steps.open.filter((log) => steps.mustWait(log));

test("whoever is too far ahead waits for the others", () => {
  const steps = new Steps(["a", "b", "c"], 10);
  expect(waiting(steps)).toEqual([]);
  steps.advance("a", 100);
  expect([steps.reached, waiting(steps)]).toEqual([Number.NEGATIVE_INFINITY, ["a"]]);
  steps.advance("b", 85);
  steps.advance("c", 90);
  expect([steps.reached, waiting(steps)]).toEqual([85, ["a"]]);
  steps.advance("b", 95);
  expect([steps.reached, waiting(steps)]).toEqual([90, []]);
  steps.advance("b", 91);
  steps.advance("c", 99);
  expect(steps.reached).toBe(95);
});

test("one that is at its end holds nobody up, and nor does it wait", () => {
  const steps = new Steps(["a", "b"], 10);
  steps.advance("a", 100);
  steps.finish("b");
  expect([steps.reached, waiting(steps)]).toEqual([100, []]);
  steps.finish("a");
  steps.advance("a", 200);
  expect([steps.reached, steps.open]).toEqual([Number.POSITIVE_INFINITY, []]);
});

import { expect, it } from "vitest";
import { NewerVersionError, stepsFrom } from "./versioned.ts";

it("leads from any known version to the newest, step by step", () => {
  const steps = ["1 to 2", "2 to 3"];
  expect([1, 2, 3].map((version) => stepsFrom(version, steps, "a thing"))).toEqual([steps, ["2 to 3"], []]);
});

it("refuses a newer one, and names both", () => {
  expect(() => stepsFrom(4, ["1 to 2", "2 to 3"], "a thing")).toThrow(NewerVersionError);
  expect(() => stepsFrom(4, ["1 to 2", "2 to 3"], "a thing")).toThrow(
    "a thing is of version 4, and this code knows up to 3",
  );
});

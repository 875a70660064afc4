import { expect, test } from "vitest";
import { parseJson } from "./json.ts";

test("gives the value, or nothing where there is none", () => {
  expect(['{"a":1}', "null", '"x"', "", "{", "undefined"].map(parseJson)).toEqual([
    ...[{ a: 1 }, null, "x"],
    ...[undefined, undefined, undefined],
  ]);
});

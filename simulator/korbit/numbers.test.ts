import { expect, test } from "vitest";
import { scaled } from "../scaled.ts";
import { decimal, percent, turnover } from "./numbers.ts";

test("prices and sizes have neither exponents nor trailing zeros", () => {
  expect(["115370000", "0.0067", "0.00000001", "39.25266763", "10", "0"].map((text) => decimal(scaled(text)))).toEqual([
    ...["115370000", "0.0067", "0.00000001", "39.25266763", "10", "0"],
  ]);
  expect(decimal(-scaled("99000"))).toBe("-99000");
  expect(decimal(500n, 0)).toBe("500");
});

test("turnovers are cut to five digits", () => {
  expect(turnover(scaled("116463000") * scaled("0.00000123"))).toBe("143.24949");
  expect(turnover(scaled("100") * scaled("2"))).toBe("200");
});

test.each([
  ["1159000", "115304000", "1.01"],
  ["153000", "100497000", "0.15"],
  ["-99000", "4456000", "-2.22"],
  ["0", "4456000", "0"],
  ["1", "0", "0"],
])("%s of %s is %s %%, as in recorded frames", (change, of, text) => {
  const size = scaled(change.replace("-", ""));
  expect(percent(change.startsWith("-") ? -size : size, scaled(of))).toBe(text);
});

import { expect, it } from "vitest";
import { wholeNumber } from "./whole-number.ts";

it.each(["", " 7", "7 ", "+7", "-7", "0x10", "1e3", "1.0", "٣", "1".repeat(16), ["7", "8"], undefined])(
  "%j is no whole number",
  (text) => {
    expect(wholeNumber.safeParse(text).success).toBe(false);
  },
);

it("reads decimal digits", () => {
  expect(["0", "7", "007", "9".repeat(15)].map((text) => wholeNumber.parse(text))).toEqual([0, 7, 7, 999999999999999]);
});

import { expect, it } from "vitest";
import { bytesOf, costOf, isTooLong } from "./message-limits.ts";

it("counts bytes, not characters", () => {
  expect([bytesOf("abc"), bytesOf("비트"), bytesOf(new ArrayBuffer(7))]).toEqual([3, 6, 7]);
  expect([isTooLong(32_768), isTooLong(32_769), isTooLong(bytesOf("비".repeat(11_000)))]).toEqual([false, true, true]);
});

it("charges a long message as several", () => {
  expect([0, 100, 8192, 8193, 32_768].map(costOf)).toEqual([1, 1, 1, 2, 4]);
});

import { expect, test } from "vitest";
import { codeOf, symbolOf } from "./symbols.ts";

test("symbols are base first and lower case, and back", () => {
  expect(symbolOf("KRW-1INCH")).toBe("1inch_krw");
  expect(codeOf("1inch_krw")).toBe("KRW-1INCH");
  expect(["BTC_KRW", "btc", "btc_krw_x", "btc-krw", ""].map(codeOf)).toEqual(Array(5).fill(undefined));
});

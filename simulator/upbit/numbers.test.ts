import { expect, test } from "vitest";
import { scaled } from "../scaled.ts";
import { bigDecimal, double, ratio, trimmed } from "./numbers.ts";

test("spells numbers as recorded frames do", () => {
  expect(bigDecimal(scaled("122720000"))).toBe("122720000.00000000");
  expect(bigDecimal(0n)).toBe("0E-8");
  expect(bigDecimal(6n)).toBe("6E-8");
  expect(bigDecimal(113n)).toBe("0.00000113");
  expect(bigDecimal(-scaled("3"))).toBe("-3.00000000");
  expect(trimmed(scaled("0.00011188"))).toBe("0.00011188");
  expect(trimmed(scaled("1587.3015873"))).toBe("1587.3015873");
  expect(trimmed(scaled("127"), 1)).toBe("127.0");
  expect(trimmed(11n)).toBe("1.1E-7");
  expect(double(scaled("116539000"))).toBe("1.16539E8");
  expect(double(scaled("10000000"))).toBe("1.0E7");
  expect(double(scaled("32291.5"))).toBe("32291.5");
  expect(double(113n)).toBe("1.13E-6");
  expect(ratio(scaled("3"), scaled("123"))).toBe("0.0243902439");
  expect(ratio(0n, scaled("123"))).toBe("0");
});

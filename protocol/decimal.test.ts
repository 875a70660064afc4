import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareDecimals, DecimalError, isDecimal, shiftDecimal, subtractDecimals, toDecimal } from "./decimal.ts";

/** A value as an exact fraction, by a route of its own: digits over a power of ten. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

function fraction(text: string): Fraction {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", decimals = ""] = mantissa.split(".");
  const power = Number(exponent) - decimals.length;
  const digits = BigInt(`${whole.replace("-", "")}${decimals}`) * (whole.startsWith("-") ? -1n : 1n);
  return power < 0
    ? { top: digits, bottom: 10n ** BigInt(-power) }
    : { top: digits * 10n ** BigInt(power), bottom: 1n };
}

function same(a: Fraction, b: Fraction): boolean {
  return a.top * b.bottom === b.top * a.bottom;
}

function minus(a: Fraction, b: Fraction): Fraction {
  return { top: a.top * b.bottom - b.top * a.bottom, bottom: a.bottom * b.bottom };
}

const digits = (min: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},25}$`));
const whole = fc.oneof(
  fc.constant("0"),
  digits(1).map((text) => text.replace(/^0+(?=.)/, "")),
);
const exponent = fc.integer({ min: -40, max: 40 }).chain((n) => fc.constantFrom(`e${n}`, n < 0 ? `E${n}` : `E+${n}`));
/** Every spelling that the JSON grammar allows. */
const jsonNumber = fc
  .tuple(fc.constantFrom("", "-"), whole, fc.option(digits(1)), fc.option(exponent))
  .map(([sign, int, frac, exp]) => `${sign}${int}${frac === null ? "" : `.${frac}`}${exp ?? ""}`);
const decimal = jsonNumber.map(toDecimal);

describe("toDecimal", () => {
  it.each([
    ["1.16539E8", "116539000"],
    ["0E-8", "0"],
    ["-0", "0"],
    ["-0.0e5", "0"],
    ["158200000.00000000", "158200000"],
    ["9.1E-7", "0.00000091"],
    ["0.10", "0.1"],
    ["100", "100"],
    ["-12.50", "-12.5"],
    ["95088751392.9099200000000000", "95088751392.90992"],
  ])("%s is %s", (text, canonical) => {
    expect(toDecimal(text)).toBe(canonical);
  });

  it("is canonical, idempotent and equal to its input", () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        const canonical = toDecimal(text);
        expect(canonical).toMatch(/^-?\d+(\.\d+)?$/);
        expect(canonical).not.toMatch(/^-?0\d|\.\d*0$|^-0$/);
        expect(isDecimal(canonical)).toBe(true);
        expect(toDecimal(canonical)).toBe(canonical);
        expect(same(fraction(canonical), fraction(text)), text).toBe(true);
      }),
    );
  });

  it("gives equal values one spelling, and isDecimal knows no other", () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        expect(isDecimal(text)).toBe(text === toDecimal(text));
      }),
    );
  });

  it.each([
    "",
    " 1",
    "1 ",
    "1\n",
    "+1",
    ".5",
    "5.",
    "01",
    "-",
    "--1",
    "1e",
    "1e1.5",
    "0x10",
    "NaN",
    "Infinity",
    "1,5",
    "１",
  ])("refuses %j", (text) => {
    expect(isDecimal(text)).toBe(false);
    expect(() => toDecimal(text)).toThrow(DecimalError);
  });
});

describe("arithmetic", () => {
  it("shifts exactly", () => {
    expect(shiftDecimal("0.011656", 2)).toBe("1.1656");
    fc.assert(
      fc.property(decimal, fc.integer({ min: -30, max: 30 }), (value, places) => {
        const shifted = shiftDecimal(value, places);
        expect(isDecimal(shifted)).toBe(true);
        expect(same(fraction(shifted), fraction(`${value}e${places}`))).toBe(true);
      }),
    );
  });

  it("subtracts exactly", () => {
    expect(subtractDecimals("0.3", "0.1")).toBe("0.2");
    expect(subtractDecimals("1", "1.00000001")).toBe("-0.00000001");
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const difference = subtractDecimals(a, b);
        expect(isDecimal(difference)).toBe(true);
        expect(same(fraction(difference), minus(fraction(a), fraction(b)))).toBe(true);
        expect(subtractDecimals(a, a)).toBe("0");
      }),
    );
  });

  it("compares exactly", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const { top } = minus(fraction(a), fraction(b));
        expect(compareDecimals(a, b)).toBe(top < 0n ? -1 : top > 0n ? 1 : 0);
        expect(compareDecimals(a, a)).toBe(0);
      }),
    );
  });
});

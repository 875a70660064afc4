import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "./exact-json.ts";

/** The same value with every number as the text that JSON.stringify gives it. */
function stringified(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === "number" ? JSON.stringify(inner) : inner,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("parseExactJson", () => {
  it.each([
    ["17853950411240001", "17853950411240001"],
    ["0E-8", "0E-8"],
    ["1.16539E8", "1.16539E8"],
    ["-1e+22", "-1e+22"],
    ["95088751392.9099200000000000", "95088751392.9099200000000000"],
    ["-0", "-0"],
  ])("keeps the spelling of %s", (text, digits) => {
    expect(parseExactJson(text)).toBe(digits);
    expect(parseExactJson(`{"a":[${text} , ${text}]}`)).toEqual({ a: [digits, digits] });
  });

  it("leaves strings alone, whatever quotes and digits they hold", () => {
    const value = { 'a "1" \\': "12, -3.5e7 : 4", "9": ['\\"5', "6\\", "\n7\u2028"] };
    expect(parseExactJson(JSON.stringify(value))).toEqual(value);
  });

  it("agrees with JSON.parse on everything but numbers", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseExactJson(JSON.stringify(value))).toEqual(stringified(value));
        expect(parseExactJson(JSON.stringify(value, null, 2))).toEqual(stringified(value));
      }),
    );
  });

  it("refuses exactly what JSON.parse refuses", () => {
    const piece = fc.constantFrom(...'[]{}:,"\\ -+.eE01x\n', "true", "null", '"a"', '"a":', '"1', "12", "\\1");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        if (isJson(text)) expect(() => parseExactJson(text), text).not.toThrow();
        else expect(() => parseExactJson(text), text).toThrow(SyntaxError);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each(["{1:2}", '{"a":1', '["a\\1]', "[01]", "[1.]", "[+1]", "[--1]", "[1 2]", "", "[.5]", "[1e]", '{"a":1,}'])(
    "refuses %s",
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    },
  );
});

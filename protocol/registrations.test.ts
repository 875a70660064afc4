import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCollected, parseCovered, type Registration, withRule } from "./registrations.ts";

const rule = (symbol: string, collected: boolean, exchange = "upbit"): Registration => ({
  exchange,
  symbol,
  collected,
});
const rulesOf = (...rules: Registration[]) => rules.reduce<readonly Registration[]>(withRule, []);

describe("parseCovered", () => {
  it.each([
    ["*-*", null, null],
    ["*-KRW", null, "KRW"],
    ["BTC-KRW", "BTC", "KRW"],
    ["币安人生-USDT", "币安人生", "USDT"],
  ])("reads %s", (symbol, base, quote) => {
    expect(parseCovered("upbit", symbol)).toEqual({ base, quote });
  });

  it.each([
    ["*-krw", "did you mean *-KRW?"],
    ["BTC-*", "*-QUOTE for a quote market"],
    ["*", "*-* for the whole exchange"],
    ["*-", "*-* for the whole exchange"],
    ["*-*-KRW", "BASE-QUOTE for an instrument"],
    ["KRW-BTC", "did you mean BTC-KRW?"],
    ["btc_krw", "did you mean BTC-KRW?"],
    ["", "BASE-QUOTE"],
  ])("refuses %j and says what would be right", (symbol, hint) => {
    expect(() => parseCovered("upbit", symbol)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(hint) }),
    );
  });
});

describe("isCollected", () => {
  it("is what the most specific rule says, and yes without one", () => {
    const rules = [rule("*-*", false), rule("*-KRW", true), rule("XRP-KRW", false), rule("BTC-USDT", true)];
    const collected = (base: string, quote: string) => isCollected(rules, "upbit", base, quote);
    expect([collected("BTC", "KRW"), collected("XRP", "KRW")]).toEqual([true, false]);
    expect([collected("BTC", "USDT"), collected("ETH", "USDT")]).toEqual([true, false]);
    expect(isCollected(rules, "bithumb", "XRP", "KRW")).toBe(true);
  });
});

describe("withRule", () => {
  it("keeps no rule that says what holds anyway", () => {
    expect(rulesOf(rule("BTC-KRW", true), rule("*-KRW", true), rule("*-*", true))).toEqual([]);
    expect(rulesOf(rule("*-*", false), rule("*-KRW", false), rule("BTC-KRW", false))).toEqual([rule("*-*", false)]);
    expect(rulesOf(rule("BTC-KRW", false), rule("BTC-KRW", true))).toEqual([]);
  });

  it("takes the place of the narrower ones that it covers, and of no others", () => {
    const before = rulesOf(rule("BTC-KRW", false), rule("BTC-USDT", false), rule("BTC-KRW", false, "bithumb"));
    const others = [rule("BTC-USDT", false), rule("BTC-KRW", false, "bithumb")];
    expect(withRule(before, rule("*-KRW", true))).toEqual(others);
    expect(withRule(before, rule("*-KRW", false))).toEqual([...others, rule("*-KRW", false)]);
    expect(withRule(before, rule("*-*", true))).toEqual([rule("BTC-KRW", false, "bithumb")]);
  });

  it("tells quotes apart that end alike", () => {
    expect(rulesOf(rule("BTC-BUSD", false), rule("*-USD", false))).toHaveLength(2);
  });

  it("means the same as reading all that was ever said, the last word first", () => {
    const [bases, quotes] = [
      ["A", "B"],
      ["K", "U"],
    ];
    const symbol = fc.constantFrom("*-*", "*-K", "*-U", "A-K", "A-U", "B-K", "B-U");
    fc.assert(
      fc.property(fc.array(fc.record({ symbol, collected: fc.boolean() }), { maxLength: 12 }), (said) => {
        const rules = rulesOf(...said.map((one) => rule(one.symbol, one.collected)));
        for (const base of bases) {
          for (const quote of quotes) {
            const names = ["*-*", `*-${quote}`, `${base}-${quote}`];
            const last = said.findLast((one) => names.includes(one.symbol));
            expect(isCollected(rules, "upbit", base, quote)).toBe(last?.collected ?? true);
          }
        }
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "./errors.ts";
import { instrument } from "./instrument.ts";
import { covers, isPattern, parsePattern, parseStreamOrPattern, pattern, patternsOf } from "./pattern.ts";
import { CHANNELS, RATES, stream } from "./stream.ts";

describe("parsePattern", () => {
  it.each([
    ["upbit:*-KRW@ticker", "upbit:*-KRW@ticker@1s"],
    ["*:BTC-*@ticker@1s", "*:BTC-*@ticker@1s"],
    ["binance:*-*@trade", "binance:*-*@trade@1s"],
    ["*:*-*@trade@raw", "*:*-*@trade@raw"],
    ["*:BTC-KRW@trade@100ms", "*:BTC-KRW@trade@100ms"],
    ["binance:币安人生-*@ticker", "binance:币安人生-*@ticker@1s"],
  ])("fills in the rate of %s", (name, canonical) => {
    expect(parsePattern(name).name).toBe(canonical);
    expect(parseStreamOrPattern(name)).toEqual(parsePattern(canonical));
  });

  it("leaves a name without a wildcard to be a stream, at the rate of one", () => {
    expect(parseStreamOrPattern("upbit:BTC-KRW@trade").name).toBe("upbit:BTC-KRW@trade@100ms");
    expect(isPattern("upbit:BTC-KRW@trade")).toBe(false);
  });

  it.each([
    ["upbit:B*-KRW@ticker", "bad_request", "* stands for a whole base or quote"],
    ["up*:BTC-KRW@ticker", "bad_request", '"up*" is not an exchange name'],
    ["Upbit:*-KRW@ticker", "bad_request", "did you mean upbit?"],
    ["upbit:*@ticker", "bad_request", "did you mean *-*?"],
    ["upbit:*-krw@ticker", "bad_request", "did you mean *-KRW?"],
    ["upbit:*/KRW@ticker", "bad_request", "did you mean *-KRW?"],
    ["upbit:KRW-*@ticker", "bad_request", "did you mean *-KRW?"],
    ["upbit:*-*-KRW@ticker", "bad_request", "* stands for a whole base or quote"],
    ["upbit:*-@ticker", "bad_request", "* stands for a whole base or quote"],
    ["*@ticker", "bad_request", "is not a wildcard: write exchange:BASE-QUOTE@channel"],
    ["upbit:*-KRW", "bad_request", "is not a wildcard"],
    ["upbit:*-KRW@*", "unknown_stream", 'there is no channel "*": use ticker or trade'],
    ["upbit:*-KRW@ticker@*", "bad_request", 'there is no rate "*": use raw or 100ms or 1s'],
    ["upbit:*-KRW@ticker@1s@1s", "bad_request", "is not a wildcard"],
  ])("refuses %s", (name, code, message) => {
    expect(() => parseStreamOrPattern(name)).toThrow(
      expect.objectContaining({ constructor: ProtocolError, code, message: expect.stringContaining(message) }),
    );
  });
});

describe("patternsOf", () => {
  const part = fc.constantFrom("BTC", "ETH", "KRW", "币");
  const name = fc.constantFrom("upbit", "binance");
  const any = <T extends string>(arbitrary: fc.Arbitrary<T>) => fc.oneof(arbitrary, fc.constant("*" as const));
  const channel = fc.constantFrom(...CHANNELS);
  const rate = fc.constantFrom(...RATES);

  it("names just the wildcards that cover the instrument, and the stream itself", () => {
    fc.assert(
      fc.property(name, part, part, channel, rate, any(name), any(part), any(part), (e, b, q, c, r, ...wanted) => {
        const one = stream(instrument(e, b, q), c, r);
        const other = pattern(...wanted, c, r);
        expect(patternsOf(one).includes(other.name)).toBe(covers(other, one.instrument));
        expect(patternsOf(one)[0]).toBe(one.name);
        expect(new Set(patternsOf(one)).size).toBe(8);
      }),
    );
  });

  it("reads every wildcard that it writes", () => {
    for (const one of patternsOf(stream(instrument("upbit", "BTC", "KRW"), "trade", "raw")).slice(1)) {
      expect(parsePattern(one).name).toBe(one);
    }
  });
});

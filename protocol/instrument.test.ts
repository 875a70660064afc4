import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "./errors.ts";
import { instrument, isCode, parseExchange, parseInstrument, withSymbol } from "./instrument.ts";

const refused = (message: string) => new ProtocolError("bad_request", message);

describe("parseInstrument", () => {
  it.each([
    ["upbit:BTC-KRW", "BTC", "KRW"],
    ["upbit:1INCH-KRW", "1INCH", "KRW"],
    ["binance:币安人生-USDT", "币安人生", "USDT"],
    ["upbit:USDT-KRW", "USDT", "KRW"],
    // Real markets that look reversed to someone who takes every stablecoin for a quote.
    ["upbit:TUSD-BTC", "TUSD", "BTC"],
    ["binance:USDT-BRL", "USDT", "BRL"],
    ["binance:USDC-BNB", "USDC", "BNB"],
  ])("reads %s", (name, base, quote) => {
    const exchange = name.split(":")[0] ?? "";
    expect(parseInstrument(name)).toEqual({ name, exchange, symbol: `${base}-${quote}`, base, quote });
  });

  it("reads every name that it writes", () => {
    const code = fc.stringMatching(/^[A-Z0-9币安人生가]{1,12}$/u).filter((text) => !["KRW", "USD"].includes(text));
    fc.assert(
      fc.property(fc.constantFrom("upbit", "bithumb", "binance", "korbit"), code, code, (exchange, base, quote) => {
        const made = instrument(exchange, base, quote);
        expect(parseInstrument(made.name)).toEqual(made);
        expect(parseInstrument(decodeURIComponent(encodeURIComponent(made.name)))).toEqual(made);
      }),
    );
  });

  it.each([
    ["upbit:KRW-BTC", '"KRW-BTC" is not a symbol: did you mean BTC-KRW?'],
    ["upbit:krw-btc", '"krw-btc" is not a symbol: did you mean BTC-KRW?'],
    ["upbit:btc_krw", '"btc_krw" is not a symbol: did you mean BTC-KRW?'],
    ["upbit:BTC/KRW", '"BTC/KRW" is not a symbol: did you mean BTC-KRW?'],
    ["upbit:BTCKRW", '"BTCKRW" is not a symbol: did you mean BTC-KRW?'],
    ["upbit:btc-krw", '"btc-krw" is not a symbol: did you mean BTC-KRW?'],
    ["binance:btcusdt", '"btcusdt" is not a symbol: did you mean BTC-USDT?'],
    ["binance:BTCFDUSD", '"BTCFDUSD" is not a symbol: did you mean BTC-FDUSD?'],
    ["binance:BTCBUSD", '"BTCBUSD" is not a symbol: did you mean BTC-BUSD?'],
    ["upbit:KRW", '"KRW" is not a symbol: write BASE-QUOTE in upper case, e.g. BTC-KRW'],
    ["upbit:", '"" is not a symbol: write BASE-QUOTE in upper case, e.g. BTC-KRW'],
    ["upbit:BTC-KRW-X", '"BTC-KRW-X" is not a symbol: write BASE-QUOTE in upper case, e.g. BTC-KRW'],
    ["upbit:B C-KRW", '"B C-KRW" is not a symbol: write BASE-QUOTE in upper case, e.g. BTC-KRW'],
    ["BTC-KRW", '"BTC-KRW" is not an instrument: write exchange:BASE-QUOTE, e.g. upbit:BTC-KRW'],
    ["Upbit:BTC-KRW", '"Upbit" is not an exchange name: did you mean upbit?'],
    [":BTC-KRW", '"" is not an exchange name: write it in lower-case letters, e.g. upbit'],
  ])("refuses %s", (name, message) => {
    expect(() => parseInstrument(name)).toThrow(refused(message));
  });

  it("refuses anything else with an error of ours, however long", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary", minLength: 100 }));
    fc.assert(
      fc.property(text, text, (exchange, symbol) => {
        try {
          expect(parseInstrument(`${exchange}:${symbol}`).name).toBe(`${exchange}:${symbol}`);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          expect(error.code).toBe("bad_request");
          expect(error.message.length).toBeLessThan(250);
        }
      }),
    );
  });
});

it("withSymbol and parseExchange read the parts of a path", () => {
  expect(withSymbol("upbit", "BTC-KRW")).toEqual(parseInstrument("upbit:BTC-KRW"));
  expect(parseExchange("korbit")).toBe("korbit");
});

it("isCode wants upper case where a script has it", () => {
  expect(["BTC", "1INCH", "币安人生", "가상"].every(isCode)).toBe(true);
  expect(["", "btc", "BTc", "B-C", "B.C", "A".repeat(33), "ß"].some(isCode)).toBe(false);
});

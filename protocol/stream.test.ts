import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "./errors.ts";
import { CHANNELS, parseStream, RATE_PERIODS, RATES, stream } from "./stream.ts";

describe("parseStream", () => {
  it.each([
    ["upbit:BTC-KRW@trade", "upbit:BTC-KRW@trade@100ms"],
    ["upbit:BTC-KRW@ticker@raw", "upbit:BTC-KRW@ticker@raw"],
    ["binance:币安人生-USDT@ticker", "binance:币安人生-USDT@ticker@100ms"],
  ])("fills in the rate of %s", (name, canonical) => {
    expect(parseStream(name).name).toBe(canonical);
  });

  it("reads every name that it writes", () => {
    const { instrument } = parseStream("upbit:BTC-KRW@trade");
    for (const channel of CHANNELS) {
      for (const rate of RATES) {
        const made = stream(instrument, channel, rate);
        expect(parseStream(made.name)).toEqual(made);
      }
    }
  });

  it.each([
    ["upbit:BTC-KRW", "bad_request", '"upbit:BTC-KRW" is not a stream: write exchange:BASE-QUOTE@channel'],
    ["upbit:BTC-KRW@trade@raw@x", "bad_request", "is not a stream"],
    ["", "bad_request", "is not a stream"],
    ["upbit:BTC-KRW@trades", "unknown_stream", 'there is no channel "trades": use ticker or trade'],
    ["upbit:BTC-KRW@", "unknown_stream", 'there is no channel ""'],
    ["upbit:BTC-KRW@trade@5s", "bad_request", 'there is no rate "5s": use raw or 100ms or 1s'],
    ["upbit:BTC-KRW@trade@", "bad_request", 'there is no rate ""'],
    ["upbit:KRW-BTC@trade", "bad_request", "did you mean BTC-KRW?"],
  ])("refuses %s", (name, code, message) => {
    expect(() => parseStream(name)).toThrow(
      expect.objectContaining({ constructor: ProtocolError, code, message: expect.stringContaining(message) }),
    );
  });
});

it("has the contract tell every rate, each a multiple of the shortest one's period", () => {
  const contract = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");
  const told = [...contract.matchAll(/^\| `(raw|\d+m?s)` \| ([\d,]+ ms|none)/gm)].map(([, rate, period]) => [
    rate,
    period,
  ]);
  const periods = Object.entries(RATE_PERIODS).map(([rate, period]) => [
    rate,
    period === null ? "none" : `${period} ms`,
  ]);
  expect(told).toEqual(periods);
  for (const period of Object.values(RATE_PERIODS)) expect((period ?? 0) % 100).toBe(0);
});

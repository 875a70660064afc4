import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMarkets } from "./feed.ts";
import { parseFrame } from "./parse.ts";

const folder = new URL("../../../../shared/recordings/upbit/", import.meta.url);
const frames = new URL("cryptofeed__ws_simple__trade_orderbook__20210417.jsonl", folder);
const examples = new URL("../examples/upbit.jsonl", folder);
const list = new URL("cryptofeed__rest_market_all__20210417.json", folder);

function rawFrames(type: string): string[] {
  const lines = readFileSync(frames, "utf8").trim().split("\n");
  return lines.map((line) => String(JSON.parse(line).frame)).filter((frame) => frame.includes(`"ty":"${type}"`));
}

/** A field's characters as they stand in the frame. */
function raw(frame: string, key: string): string {
  return new RegExp(`"${key}":"?([^",}]*)`).exec(frame)?.[1] ?? "";
}

/** Plain notation without trailing zeros; the recorded trades have no exponents. */
function trimmed(digits: string): string {
  expect(digits).toMatch(/^\d+\.\d+$/);
  return digits.replace(/\.?0+$/, "");
}

function expected(frame: string): object {
  const [, quote, base] = /"cd":"([A-Z0-9]+)-([A-Z0-9]+)"/.exec(frame) ?? [];
  return {
    type: "trade",
    instrument: `upbit:${base}-${quote}`,
    id: raw(frame, "sid"),
    price: trimmed(raw(frame, "tp")),
    size: trimmed(raw(frame, "tv")),
    side: frame.includes('"ab":"BID"') ? "buy" : "sell",
    time: Number(raw(frame, "ttms")),
    received: 7,
    snapshot: frame.includes('"st":"SNAPSHOT"'),
  };
}

describe.skipIf(!existsSync(frames))("frames recorded from Upbit (skipped without the recordings)", () => {
  it("gives every one of the 304 trades, field by field", () => {
    const trades = rawFrames("trade");
    expect(trades).toHaveLength(304);
    for (const frame of trades) expect(parseFrame(frame, 7)).toEqual({ kind: "events", events: [expected(frame)] });
  });

  it("ignores the 145 order books", () => {
    const books = rawFrames("orderbook");
    expect(books).toHaveLength(145);
    for (const frame of books) expect(parseFrame(frame, 7)).toEqual({ kind: "ignored" });
  });
});

describe.skipIf(!existsSync(examples))("Upbit's documented example (skipped without the recordings)", () => {
  it("is a ticker of the UTC day, its ratio a percent and its exponents written out", () => {
    const [line = "", ...more] = readFileSync(examples, "utf8").trim().split("\n");
    expect(more).toEqual([]);
    const ticker = {
      type: "ticker",
      instrument: "upbit:BTC-KRW",
      price: "158200000",
      size: "0.00011188",
      side: "sell",
      open: "158219000",
      high: "159278000",
      low: "157588000",
      prevClose: "158200000",
      change: "0",
      changePct: "0",
      window: "utc-day",
      baseVolume24h: "2083.83396972",
      quoteVolume24h: "331188513477.17233",
      bid: null,
      ask: null,
      status: "active",
      time: 1758875206936,
      received: null,
    };
    const volumes = new Map([["upbit:BTC-KRW", "600.09226312"]]);
    expect(parseFrame(JSON.parse(line).frame, null)).toEqual({ kind: "events", events: [ticker], volumes });
  });
});

describe.skipIf(!existsSync(list))("the market list recorded from Upbit (skipped without the recordings)", () => {
  it("gives all 294 markets", () => {
    const markets = readMarkets(readFileSync(list, "utf8"));
    expect(new Set(markets.map(({ instrument }) => instrument)).size).toBe(294);
    expect(markets[0]).toEqual({
      instrument: "upbit:BTC-KRW",
      exchange: "upbit",
      base: "BTC",
      quote: "KRW",
      nativeSymbol: "KRW-BTC",
      names: { ko: "비트코인", en: "Bitcoin" },
      status: null,
      warning: null,
    });
  });
});

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMarkets } from "./feed.ts";
import { parserFor } from "./parse.ts";

const shared = new URL("../../../../shared/recordings/", import.meta.url);
const combined = new URL("binance/cryptofeed__ws_combined__aggTrade_bookTicker_kline_depth__20211012.jsonl", shared);
const mixed = new URL(
  "binance/unicorn_fy__ws__trade_aggTrade_24hrTicker_miniTicker_miniTickerArr_kline__2020.jsonl",
  shared,
);
const examples = new URL("examples/binance.jsonl", shared);
const list = new URL("binance/cryptofeed__rest_exchangeInfo__20211012.json", shared);
const present = [combined, mixed, examples, list].every((file) => existsSync(file));

function framesOf(file: URL): string[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => String(JSON.parse(line).frame));
}

interface Row {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
}
const rows = (): Row[] => JSON.parse(readFileSync(list, "utf8")).symbols;

/** A field's characters as they stand in the frame, quoted or not. */
function raw(text: string, key: string): string {
  return new RegExp(`"${key}":"?([^",}]*)`).exec(text)?.[1] ?? "";
}

/** Plain notation without trailing zeros. */
function trimmed(digits: string): string {
  expect(digits).toMatch(/^-?\d+(\.\d+)?$/);
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

/** `a` − `b` on the digits: Binance writes both with as many decimals. */
function difference(a: string, b: string): string {
  const decimals = a.length - a.indexOf(".") - 1;
  expect(b.length - b.indexOf(".") - 1).toBe(decimals);
  const units = BigInt(a.replace(".", "")) - BigInt(b.replace(".", ""));
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, "0");
  const magnitude = trimmed(`${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`);
  return units < 0n ? `-${magnitude}` : magnitude;
}

function expected(text: string, instruments: ReadonlyMap<string, string>): object {
  const field = (key: string) => trimmed(raw(text, key));
  const type = raw(text, "e");
  const instrument = instruments.get(raw(text, "s"));
  if (type === "trade" || type === "aggTrade") {
    const id = raw(text, type === "trade" ? "t" : "a");
    const side = text.includes('"m":true') ? "sell" : "buy";
    const time = Number(raw(text, "T"));
    const more = { price: field("p"), size: field("q"), side, time, received: 7, snapshot: false };
    return { type: "trade", instrument, id, ...more };
  }
  const full = type === "24hrTicker";
  return {
    type: "ticker",
    instrument,
    price: field("c"),
    size: full ? field("Q") : null,
    side: null,
    open: field("o"),
    high: field("h"),
    low: field("l"),
    prevClose: full ? field("x") : null,
    change: full ? field("p") : difference(raw(text, "c"), raw(text, "o")),
    changePct: full ? field("P") : null,
    window: "24h",
    baseVolume24h: field("v"),
    quoteVolume24h: field("q"),
    bid: full ? field("b") : null,
    ask: full ? field("a") : null,
    status: null,
    time: Number(raw(text, "E")),
    received: 7,
  };
}

function lastTrade(text: string, instruments: ReadonlyMap<string, string>): [string | undefined, string] {
  return [instruments.get(raw(text, "s")), raw(text, "L")];
}

/** What a frame without events is. */
function control(frame: string): object {
  if (frame.includes("serverShutdown")) return { kind: "leaving" };
  return frame.includes('"result":null') ? { kind: "accepted", request: raw(frame, "id") } : { kind: "ignored" };
}

const OURS = /\{"e":"(?:trade|aggTrade|24hrTicker|24hrMiniTicker)",[^{}]*\}/g;

describe.skipIf(!present)("frames recorded from Binance, and its examples (skipped without the recordings)", () => {
  it.each([
    ["recorded 2021", combined, { frames: 265, events: 2 }],
    ["recorded 2020", mixed, { frames: 7, events: 30 }],
    ["the documentation's examples", examples, { frames: 18, events: 4 }],
  ])("%s: every event field by field, with the market list and without, and nothing else", (_, file, count) => {
    const names = new Map(rows().map((row) => [row.symbol, `binance:${row.baseAsset}-${row.quoteAsset}`]));
    const parsers = [parserFor([]), parserFor(readMarkets(readFileSync(list, "utf8")))];
    const frames = framesOf(file);
    let events = 0;
    for (const frame of frames) {
      const ours = frame.match(OURS) ?? [];
      events += ours.length;
      const last = ours.flatMap((text) => (raw(text, "e") === "24hrTicker" ? [lastTrade(text, names)] : []));
      const outcome = {
        kind: "events",
        events: ours.map((text) => expected(text, names)),
        ...(last.length > 0 && { lastTradeIds: new Map(last) }),
      };
      for (const parse of parsers) expect(parse(frame, 7)).toEqual(ours.length > 0 ? outcome : control(frame));
    }
    expect({ frames: frames.length, events }).toEqual(count);
  });

  it("gives this ticker, worked out by hand", () => {
    const frame = framesOf(mixed).find((text) => text.includes("24hrTicker")) ?? "";
    expect(parserFor([])(frame, null)).toEqual({
      kind: "events",
      lastTradeIds: new Map([["binance:BTC-USDT", "343729077"]]),
      events: [
        {
          type: "ticker",
          instrument: "binance:BTC-USDT",
          price: "9318.48",
          size: "0.0025",
          side: null,
          open: "9383.48",
          high: "9438.3",
          low: "9215.79",
          prevClose: "9383.27",
          change: "-65",
          changePct: "-0.693",
          window: "24h",
          baseVolume24h: "48745.366671",
          quoteVolume24h: "455442476.1853462",
          bid: "9318.18",
          ask: "9318.47",
          status: null,
          time: 1592593727005,
          received: null,
        },
      ],
    });
  });

  it("splits each of the 1695 listed symbols without the list as the list does", () => {
    const parse = parserFor([]);
    for (const { symbol, baseAsset, quoteAsset } of rows()) {
      const frame = `{"e":"24hrMiniTicker","E":1672515782136,"s":"${symbol}","c":"1"}`;
      const instrument = `binance:${baseAsset}-${quoteAsset}`;
      expect(parse(frame, null)).toMatchObject({ events: [{ instrument }] });
    }
    expect(rows()).toHaveLength(1695);
  });

  it("gives all 1695 markets, 1262 of them traded", () => {
    const markets = readMarkets(readFileSync(list, "utf8"));
    expect(new Set(markets.map(({ instrument }) => instrument)).size).toBe(1695);
    expect(markets.filter(({ status }) => status === "TRADING")).toHaveLength(1262);
    expect(markets[0]).toEqual({
      instrument: "binance:ETH-BTC",
      exchange: "binance",
      base: "ETH",
      quote: "BTC",
      nativeSymbol: "ETHBTC",
      names: { ko: null, en: null },
      status: "TRADING",
      warning: null,
    });
  });
});

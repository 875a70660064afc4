import { describe, expect, test } from "vitest";
import { MarketEngine } from "../engine.ts";
import { keysOf } from "../test-client.ts";
import { haveRecordings, recordedFrames, recordedText } from "../test-recordings.ts";
import { aggTradeFrame, miniTickerFrame, shutdownFrame, tickerFrame, tradeFrame } from "./frames.ts";
import { TradeIds } from "./ids.ts";
import { marketList } from "./market-list.ts";

const NOW = 1_788_335_180_377;
const engine = new MarketEngine({
  listings: [{ code: "USDT-BTC", koreanName: "비트코인", englishName: "Bitcoin", price: 95_000n * 10n ** 8n }],
  now: () => NOW,
});
const ids = new TradeIds(engine.opened);
const trade = engine.log.last("USDT-BTC");
const figures = engine.market("USDT-BTC")?.statistics.ticker;
if (!trade || !figures) throw new Error("a market has a first trade");

const mixed = "binance/unicorn_fy__ws__trade_aggTrade_24hrTicker_miniTicker_miniTickerArr_kline__2020.jsonl";
const examples = "examples/binance.jsonl";
const list = "binance/cryptofeed__rest_exchangeInfo__20211012.json";

/** The first recorded frame that has this text in it, without what says of which stream it is. */
function recorded(file: string, part: string): string {
  const frame = recordedFrames(file).find((text) => text.includes(part)) ?? "";
  return frame.replace(/^\{"stream":"[^"]*","data":(.*)\}$/, "$1");
}

/** The form of each value: how many decimals a number in a string has, what kind any other value is. */
function shape(frame: string): Record<string, string> {
  const entries: [string, unknown][] = Object.entries(JSON.parse(frame));
  return Object.fromEntries(entries.map(([key, value]) => [key, `${typeof value} ${decimals(value)}`]));
}

function decimals(value: unknown): string {
  return typeof value === "string" && /^-?\d+\.\d+$/.test(value) ? `of ${value.split(".")[1]?.length} decimals` : "";
}

describe.skipIf(!haveRecordings)("frames as recorded from Binance (skipped without the recordings)", () => {
  test.each([
    ["aggTrade", `"aggTrade"`, aggTradeFrame(trade, ids)],
    ["24hrTicker", `"24hrTicker"`, tickerFrame(figures, NOW, ids)],
    ["24hrMiniTicker", `btcusdt@miniTicker`, miniTickerFrame(figures, NOW)],
  ])("%s: keys, their order and the spelling of values", (_, part, frame) => {
    const real = recorded(mixed, part);
    expect(keysOf(frame)).toEqual(keysOf(real));
    expect(shape(frame)).toEqual(shape(real));
  });

  test("trade: as recorded, without the two order ids that have gone since", () => {
    const real = recorded(mixed, `"trade"`).replace(/"b":\d+,"a":\d+,/, "");
    const frame = tradeFrame(trade, ids);
    expect(keysOf(frame)).toEqual(keysOf(real));
    expect(shape(frame)).toEqual(shape(real));
    expect(keysOf(frame)).toEqual(keysOf(recorded(examples, `"trade"`)));
  });

  test("serverShutdown", () => {
    const frame = shutdownFrame(1_770_123_456_789);
    expect(frame).toBe(recorded(examples, "serverShutdown"));
  });

  test("exchangeInfo: a symbol's keys in the recorded order, with recorded values", () => {
    const [real] = JSON.parse(recordedText(list)).symbols;
    const { symbols } = JSON.parse(marketList(engine.markets, new URLSearchParams(), NOW, 6_000));
    const keys = Object.keys(symbols[0]);
    expect(Object.keys(real).filter((key) => keys.includes(key))).toEqual(keys);
    const { symbol, status, quotePrecision } = symbols[0];
    expect({ symbol, status, quotePrecision }).toEqual({ symbol: "BTCUSDT", status: real.status, quotePrecision: 8 });
  });
});

test("a buyer who was the maker means that the taker sold", () => {
  expect(tradeFrame({ ...trade, side: "ASK" }, ids)).toContain(`"m":true`);
  expect(aggTradeFrame({ ...trade, side: "BID" }, ids)).toContain(`"m":false`);
});

test("a ticker's figures follow from each other", () => {
  const ticker = {
    ...figures,
    price: 99_334n * 10n ** 6n,
    openingPrice: 1_000n * 10n ** 8n,
    turnover24h: 10n * 10n ** 16n,
    volume24h: 3n * 10n ** 8n,
    lastOrdinal: 7,
    trades24h: 5,
  };
  const frame = tickerFrame(ticker, NOW + 5, ids);
  expect(JSON.parse(frame)).toMatchObject({
    ...{ p: "-6.66000000", P: "-0.666", w: "3.33333333", v: "3.00000000", q: "10.00000000", C: NOW + 5 },
    ...{ O: NOW + 5 - 86_400_000, F: ids.trade(3), L: ids.trade(7), n: 5 },
  });
});

import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../../../protocol/events.ts";
import { FrameError } from "../exchange.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { parseFrame } from "./parse.ts";

// The ticker of Upbit's documentation, which is free to copy; the figures below were worked out by hand.
const TICKER =
  '{"type":"ticker","code":"KRW-BTC","opening_price":158219000.00000000,"high_price":159278000.00000000,' +
  '"low_price":157588000.00000000,"trade_price":158200000.00000000,"prev_closing_price":158200000.00000000,' +
  '"acc_trade_price":95088751392.9099200000000000,"change":"EVEN","change_price":0E-8,"signed_change_price":0E-8,' +
  '"change_rate":0,"signed_change_rate":0,"ask_bid":"ASK","trade_volume":0.00011188,"acc_trade_volume":600.09226312,' +
  '"trade_date":"20250926","trade_time":"082646","trade_timestamp":1758875206936,"acc_ask_volume":341.67996226,' +
  '"acc_bid_volume":258.41230086,"market_state":"ACTIVE","is_trading_suspended":false,"delisting_date":null,' +
  '"market_warning":"NONE","timestamp":1758875206974,"acc_trade_price_24h":331188513477.17233,' +
  '"acc_trade_volume_24h":2083.83396972,"stream_type":"REALTIME"}';

const SHORT_TICKER =
  '{"ty":"ticker","cd":"KRW-1INCH","op":1E+2,"hp":1.16539E8,"lp":9.1E-7,"tp":101.5,"pcp":100,"c":"RISE","cp":1.5,' +
  '"scp":-1.50,"scr":-0.01478,"ab":"BID","tv":2.0,"ttms":1758875206936,"ms":"ACTIVE","its":false,"tms":1758875206974,' +
  '"atp24h":1e3,"atv24h":10.10,"st":"SNAPSHOT"}';

const trade = (id: string, more = "") =>
  `{"type":"trade","code":"BTC-FCT2","timestamp":1788335180423,"trade_date":"2026-09-02","trade_time":"05:06:20",` +
  `"trade_timestamp":1788335180377,"trade_price":5.485e-05,"trade_volume":12.50000000,"ask_bid":"ASK",` +
  `"prev_closing_price":0.1,"change":"FALL","change_price":0.1,"sequential_id":${id},"stream_type":"REALTIME"${more}}`;

const events = (frame: string, received: number | null = null) => eventsOf(parseFrame, frame, received);

describe("a ticker", () => {
  it("is read exactly, keys in the order of the contract", () => {
    const [event] = events(TICKER, 1758875207000);
    expect(JSON.stringify(event)).toBe(
      '{"type":"ticker","instrument":"upbit:BTC-KRW","price":"158200000","size":"0.00011188","side":"sell",' +
        '"open":"158219000","high":"159278000","low":"157588000","prevClose":"158200000","change":"0","changePct":"0",' +
        '"window":"utc-day","baseVolume24h":"2083.83396972","quoteVolume24h":"331188513477.17233","bid":null,"ask":null,' +
        '"status":"active","time":1758875206936,"received":1758875207000}',
    );
    expect(JSON.stringify(tickerEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("is read from short keys, a ratio becoming percent digit for digit", () => {
    expect(events(SHORT_TICKER)).toEqual([
      {
        type: "ticker",
        instrument: "upbit:1INCH-KRW",
        price: "101.5",
        size: "2",
        side: "buy",
        open: "100",
        high: "116539000",
        low: "0.00000091",
        prevClose: "100",
        change: "-1.5",
        changePct: "-1.478",
        window: "utc-day",
        baseVolume24h: "10.1",
        quoteVolume24h: "1000",
        bid: null,
        ask: null,
        status: "active",
        time: 1758875206936,
        received: null,
      },
    ]);
  });
});

describe("a trade", () => {
  it("is read exactly, keys in the order of the contract", () => {
    const [event] = events(trade("17883351803770004"), 5);
    expect(JSON.stringify(event)).toBe(
      '{"type":"trade","instrument":"upbit:FCT2-BTC","id":"17883351803770004","price":"0.00005485","size":"12.5",' +
        '"side":"sell","time":1788335180377,"received":5,"snapshot":false}',
    );
    expect(JSON.stringify(tradeEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("takes names of any script", () => {
    expect(events(trade("1").replace("BTC-FCT2", "USDT-币安人生"))).toMatchObject([
      { instrument: "upbit:币安人生-USDT" },
    ]);
  });
});

describe("a list", () => {
  it("may hold several events, long or short", () => {
    expect(events(`[${TICKER},${trade("1")}]`).map(({ type }) => type)).toEqual(["ticker", "trade"]);
    expect(events(`[${SHORT_TICKER}]`)).toHaveLength(1);
    expect(parseFrame("[]", null)).toEqual({ kind: "ignored" });
  });

  it("loses nothing but its bad items", () => {
    const frame = `[${trade("1")},${trade("2").replace('"ASK"', '"ask"')},${trade("3")}]`;
    const error = refusalOf(frame);
    expect(error.message).toMatch(/^\[1\] ask_bid: /);
    expect(error.events).toMatchObject([{ id: "1" }, { id: "3" }]);
  });
});

it.each([
  '{"status":"UP"}',
  '{"method":"LIST_SUBSCRIPTIONS","result":[{"type":"ticker","codes":["KRW-BTC"]}],"ticket":"x"}',
  '{"type":"orderbook","code":"KRW-BTC.15","timestamp":1}',
  '{"ty":"candle.1s","cd":"KRW-BTC"}',
])("ignores %s", (frame) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "ignored" });
});

const refusalOf = (frame: string) => frameErrorOf(parseFrame, frame);

describe("a corrupt frame", () => {
  it.each([
    [SHORT_TICKER.replace('"tp":101.5', '"tp":"?"'), "no-trade"],
    [trade("1").replace('"ASK"', '"ask"'), "trade"],
    ["{", "trade"],
    ["{}", "trade"],
    ['{"type":"news"}', { unknownType: '"news"' }],
    [`[${SHORT_TICKER.replace('"tp":101.5', '"tp":"?"')},{"ty":"news"}]`, { unknownType: '"news"' }],
    [`[{"ty":"news"},${trade("1").replace('"ASK"', '"ask"')}]`, "trade"],
  ])("says whether it may have been a trade: %s", (frame, subject) => {
    expect(refusalOf(frame).subject).toEqual(subject);
  });

  it.each(["", "{", "null", "7", '"UP"', "{}", "[[]]", '{"error":{}}', `${TICKER}x`])("none of %s", (frame) => {
    expect(refusalOf(frame)).toBeInstanceOf(FrameError);
  });
});

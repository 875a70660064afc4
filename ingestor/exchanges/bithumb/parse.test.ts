import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../../../protocol/events.ts";
import { FrameError } from "../exchange.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { parseFrame } from "./parse.ts";

// The figures were worked out by hand. Date and time are Korean and would give the wrong day to whoever read them.
const TICKER =
  '{"type":"ticker","code":"KRW-1INCH","opening_price":1E+2,"high_price":1.16539E8,"low_price":9.1E-7,' +
  '"trade_price":98.50,"prev_closing_price":100,"change":"FALL","change_price":1.5,"signed_change_price":-1.50,' +
  '"change_rate":0.015,"signed_change_rate":-0.01478,"trade_volume":2.0,"acc_trade_volume":1,' +
  '"acc_trade_volume_24h":10.10,"acc_trade_price":1,"acc_trade_price_24h":1e3,"trade_date":"20260711",' +
  '"trade_time":"004548","trade_timestamp":1783698348303,"ask_bid":"ASK","market_state":"ACTIVE",' +
  '"is_trading_suspended":false,"delisting_date":"","market_warning":"NONE","timestamp":1783698348400,' +
  '"stream_type":"REALTIME"}';

const TICKER_EVENT =
  '{"type":"ticker","instrument":"bithumb:1INCH-KRW","price":"98.5","size":"2","side":"sell","open":"100",' +
  '"high":"116539000","low":"0.00000091","prevClose":"100","change":"-1.5","changePct":"-1.478","window":"kst-day",' +
  '"baseVolume24h":"10.1","quoteVolume24h":"1000","bid":null,"ask":null,"status":"active","time":1783698348303,' +
  '"received":1783698348500}';

const SHORT_TICKER =
  '{"ty":"ticker","cd":"KRW-1INCH","op":1E+2,"hp":1.16539E8,"lp":9.1E-7,"tp":98.50,"pcp":100,"c":"FALL","cp":1.5,' +
  '"scp":-1.50,"cr":0.015,"scr":-0.01478,"tv":2.0,"atv":1,"atv24h":10.10,"atp":1,"atp24h":1e3,"tdt":"20260711",' +
  '"ttm":"004548","ttms":1783698348303,"ab":"ASK","ms":"ACTIVE","its":false,"dd":"","mw":"NONE",' +
  '"tms":1783698348400,"st":"SNAPSHOT"}';

const trade = (id: string) =>
  '{"type":"trade","code":"BTC-FCT2","trade_price":5.485e-05,"trade_volume":12.50000000,"ask_bid":"BID",' +
  '"prev_closing_price":0.1,"change":"FALL","change_price":0.1,"trade_date":"2026-07-11","trade_time":"00:45:48",' +
  `"trade_timestamp":1783698348303,"sequential_id":${id},"timestamp":1783698348400,"stream_type":"REALTIME"}`;

const SHORT_TRADE =
  '{"ty":"trade","cd":"BTC-FCT2","tp":5.485e-05,"tv":12.50000000,"ab":"BID","pcp":0.1,"c":"FALL","cp":0.1,' +
  '"td":"2026-07-11","ttm":"00:45:48","ttms":1783698348303,"sid":9210468448411581380,"tms":1783698348400,"st":"REALTIME"}';

const TRADE_EVENT =
  '{"type":"trade","instrument":"bithumb:FCT2-BTC","id":"9210468448411581380","price":"0.00005485","size":"12.5",' +
  '"side":"buy","time":1783698348303,"received":5,"snapshot":false}';

const events = (frame: string, received: number | null = null) => eventsOf(parseFrame, frame, received);

describe("a ticker", () => {
  it.each([
    ["long", TICKER],
    ["short", SHORT_TICKER],
  ])("is read exactly from %s keys, a ratio becoming percent, keys in the order of the contract", (_, frame) => {
    const [event] = events(frame, 1783698348500);
    expect(JSON.stringify(event)).toBe(TICKER_EVENT);
    expect(JSON.stringify(tickerEvent.parse(event))).toBe(TICKER_EVENT);
  });

  it.each(['""', "null", '"2026-08-01"'])("is read whatever its delisting date: %s", (date) => {
    expect(events(TICKER.replace('"delisting_date":""', `"delisting_date":${date}`))).toHaveLength(1);
  });
});

describe("a trade", () => {
  it.each([
    ["long", trade("9210468448411581380")],
    ["short", SHORT_TRADE],
  ])("is read exactly from %s keys, keys in the order of the contract", (_, frame) => {
    const [event] = events(frame, 5);
    expect(JSON.stringify(event)).toBe(TRADE_EVENT);
    expect(JSON.stringify(tradeEvent.parse(event))).toBe(TRADE_EVENT);
  });
});

it.each([
  '{"status":"UP"}',
  '{"type":"orderbook","code":"KRW-BTC","timestamp":1783698348303484}',
  '{"ty":"orderbook"}',
])("ignores %s", (frame) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "ignored" });
});

it("says what is no trade, and which type it does not know", () => {
  const subjectOf = (frame: string) => frameErrorOf(parseFrame, frame).subject;
  expect(subjectOf(SHORT_TICKER.replace('"tp":98.50', '"tp":"?"'))).toBe("no-trade");
  expect(subjectOf('{"type":"trade"}')).toBe("trade");
  expect(subjectOf("{")).toBe("trade");
  expect(subjectOf('{"type":"candle.1m"}')).toEqual({ unknownType: '"candle.1m"' });
});

it.each(["", "{", "null", "7", '"UP"', "[]", "[{}]", "{}", '{"error":{}}', '{"status":"UP"}x'])(
  "takes none of %s",
  (frame) => {
    expect(() => parseFrame(frame, null)).toThrow(FrameError);
  },
);

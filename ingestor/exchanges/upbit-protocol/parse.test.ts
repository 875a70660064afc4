/** What holds for the frames of all exchanges that speak as Upbit does; what differs stands in their own folders. */

import { describe, expect, it } from "vitest";
import { parseFrame as bithumb } from "../bithumb/parse.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { parseFrame as upbit } from "../upbit/parse.ts";

const TICKER =
  '{"type":"ticker","code":"KRW-1INCH","trade_price":98.50,"trade_timestamp":1783698348303,"market_state":"ACTIVE",' +
  '"is_trading_suspended":false}';
const SHORT_TICKER =
  '{"ty":"ticker","cd":"KRW-1INCH","hp":1.16539E8,"tp":98.50,"ttms":1783698348303,"ms":"ACTIVE","its":false}';
const trade = (id: string) =>
  '{"type":"trade","code":"BTC-FCT2","trade_price":5.485e-05,"trade_volume":12.50000000,"ask_bid":"BID",' +
  `"trade_timestamp":1783698348303,"sequential_id":${id},"stream_type":"REALTIME"}`;

describe.each([
  ["upbit", upbit],
  ["bithumb", bithumb],
])("%s", (exchange, parseFrame) => {
  const events = (frame: string) => eventsOf(parseFrame, frame);
  const faultOf = (frame: string) => frameErrorOf(parseFrame, frame).message;

  it("has codes with the quote first", () => {
    expect(events(TICKER)).toMatchObject([{ instrument: `${exchange}:1INCH-KRW` }]);
  });

  it("says null of what a ticker does not send, and derives the change from the previous close alone", () => {
    const bare = '{"type":"ticker","code":"KRW-BTC","trade_price":10.5,"trade_timestamp":1783698348303';
    const nothing = { size: null, side: null, open: null, change: null, changePct: null, status: null };
    expect(events(`${bare}}`)).toMatchObject([nothing]);
    expect(events(`${bare},"prev_closing_price":11,"opening_price":9}`)).toMatchObject([
      { change: "-0.5", changePct: null },
    ]);
  });

  it.each([
    ["ACTIVE", false, "active"],
    ["ACTIVE", true, "suspended"],
    ["PREVIEW", true, "preview"],
    ["DELISTED", true, "delisting"],
    ["DELISTED", false, "delisting"],
  ])("a ticker in state %s, suspended %s, is %s", (state, suspended, status) => {
    const frame = TICKER.replace('"ACTIVE"', `"${state}"`).replace('suspended":false', `suspended":${suspended}`);
    expect(events(frame)).toMatchObject([{ status }]);
  });

  it.each(['"ms":"OPEN"', '"ms":7', '"its":"Y"'])("takes a state that it does not know for none: %s", (state) => {
    const frame = SHORT_TICKER.replace(state.startsWith('"ms') ? '"ms":"ACTIVE"' : '"its":false', state);
    expect(events(frame)).toMatchObject([{ price: "98.5", status: state.startsWith('"ms') ? null : "active" }]);
  });

  it("keeps ids beyond 2^53 apart, digit for digit", () => {
    const ids = ["17853950411240000", "17853950411240001", "9210468448411581380"];
    expect(ids.flatMap((id) => events(trade(id)))).toMatchObject(ids.map((id) => ({ id })));
  });

  it("takes a trade that is repeated on connecting for a snapshot", () => {
    expect(events(trade("1").replace("REALTIME", "SNAPSHOT"))).toMatchObject([{ snapshot: true }]);
  });

  it("hands on what the exchange refuses", () => {
    const frame = '{"error":{"name":"INVALID_PARAM","message":"codes 필드가 비어 있습니다."}}';
    expect(parseFrame(frame, null)).toEqual({
      kind: "refused",
      message: "INVALID_PARAM: codes 필드가 비어 있습니다.",
    });
  });

  it.each([
    ["trade_price", /"trade_price":[^,]*/, '"trade_price":"dear"'],
    ["trade_price", /"trade_price":[^,]*/, '"trade_price":-1'],
    ["trade_price", /"trade_price":[^,]*/, '"trade_price":null'],
    // A number's digits that no JSON number has: as text it gets past JSON itself.
    ["trade_price", /"trade_price":[^,]*/, '"trade_price":"007"'],
    ["trade_volume", /"trade_volume":[^,]*,/, ""],
    ["ask_bid", /"BID"/, '"BUY"'],
    ["trade_timestamp", /"trade_timestamp":[^,]*/, '"trade_timestamp":1788335180'],
    ["trade_timestamp", /"trade_timestamp":[^,]*/, '"trade_timestamp":1783698348303484'],
    ["sequential_id", /"sequential_id":[^,]*/, '"sequential_id":8.6E17'],
    ["stream_type", /"REALTIME"/, "true"],
    ["code", /"BTC-FCT2"/, '"BTC_FCT2"'],
    ["code", /"BTC-FCT2"/, '"BTCFCT2"'],
    ["code", /"BTC-FCT2"/, '"btc-fct2"'],
    ["code", /"BTC-FCT2"/, '"BTC-"'],
    ["code", /"BTC-FCT2"/, '"BTC-FCT2-KRW"'],
    ["type", /"trade"/, '"trades"'],
    ["type", /"type":"trade",/, ""],
  ])("names the corrupt field %s: %s → %s", (field, from, to) => {
    expect(faultOf(trade("1").replace(from, to))).toMatch(new RegExp(`^${field}: `));
  });

  it.each([
    [SHORT_TICKER.replace('"hp":1.16539E8', '"hp":{}'), "hp (high_price): "],
    [SHORT_TICKER.replace('"tp":98.50', '"tp":"?"'), "tp (trade_price): "],
    [SHORT_TICKER.replace("KRW-1INCH", "1INCH"), "cd (code): not QUOTE-BASE"],
  ])("names it with the key that the frame has: %s", (frame, message) => {
    expect(faultOf(frame).startsWith(message)).toBe(true);
  });
});

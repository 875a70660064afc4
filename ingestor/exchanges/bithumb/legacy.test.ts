import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../../../protocol/events.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { parseFrame } from "./parse.ts";

const trade = (more: object = {}) => ({
  buySellGb: "1",
  contPrice: "1166.0",
  contQty: "125.2400",
  contAmt: "146029.8400",
  contDtm: "2021-01-01 08:59:59.999999",
  updn: "dn",
  symbol: "DAI_KRW",
  ...more,
});
const transaction = (...list: unknown[]) => JSON.stringify({ type: "transaction", content: { list } });

const ticker = (more: object = {}) =>
  JSON.stringify({
    type: "ticker",
    content: {
      symbol: "XLM_BTC",
      tickType: "24H",
      date: "20210101",
      time: "085959",
      openPrice: "0.00010",
      closePrice: "0.00009",
      lowPrice: "0.00008",
      highPrice: "0.00012",
      value: "12.50",
      volume: "1000.0",
      sellVolume: "400",
      buyVolume: "600",
      prevClosePrice: "0.000095",
      chgRate: "-10.00",
      chgAmt: "-0.00001",
      volumePower: "150",
      ...more,
    },
  });

const events = (frame: string, received: number | null = null) => eventsOf(parseFrame, frame, received);

const errorOf = (frame: string) => frameErrorOf(parseFrame, frame);

describe("a transaction", () => {
  it("is read exactly: Korean time, microseconds rounded down, and no id", () => {
    const [event] = events(transaction(trade()), 5);
    // 2020-12-31T23:59:59.999Z
    const expected =
      '{"type":"trade","instrument":"bithumb:DAI-KRW","id":null,"price":"1166","size":"125.24","side":"sell",' +
      '"time":1609459199999,"received":5,"snapshot":false}';
    expect(JSON.stringify(event)).toBe(expected);
    expect(JSON.stringify(tradeEvent.parse(event))).toBe(expected);
  });

  it("was a sale where buySellGb is 1, a purchase where it is 2", () => {
    expect(events(transaction(trade({ buySellGb: "1" }), trade({ buySellGb: "2" })))).toMatchObject([
      { side: "sell" },
      { side: "buy" },
    ]);
  });

  it("may come in a list, which loses nothing but its bad items", () => {
    const bad = trade({ buySellGb: "3" });
    const error = errorOf(transaction(trade({ contQty: "1" }), bad, null, trade({ contQty: "2" })));
    expect(error.message).toMatch(/^content\.list\[1\] buySellGb: .*; content\.list\[2\] /);
    expect(error.events).toMatchObject([{ size: "1" }, { size: "2" }]);
  });
});

describe("a ticker", () => {
  it("of 24 hours is read exactly, its percent as sent", () => {
    const [event] = events(ticker(), 5);
    const expected =
      '{"type":"ticker","instrument":"bithumb:XLM-BTC","price":"0.00009","size":null,"side":null,"open":"0.0001",' +
      '"high":"0.00012","low":"0.00008","prevClose":"0.000095","change":"-0.00001","changePct":"-10","window":"24h",' +
      '"baseVolume24h":"1000","quoteVolume24h":"12.5","bid":null,"ask":null,"status":null,"time":1609459199000,' +
      '"received":5}';
    expect(JSON.stringify(event)).toBe(expected);
    expect(JSON.stringify(tickerEvent.parse(event))).toBe(expected);
  });

  it("since midnight covers the Korean day, and says nothing of the volume of 24 hours", () => {
    expect(events(ticker({ tickType: "MID" }))).toMatchObject([
      { window: "kst-day", open: "0.0001", baseVolume24h: null, quoteVolume24h: null },
    ]);
  });

  it.each(["30M", "1H", "12H"])("of %s is ignored: the contract has no name for its window", (tickType) => {
    expect(parseFrame(ticker({ tickType }), null)).toEqual({ kind: "ignored" });
  });

  it("derives the change from the beginning of its window where it is not sent", () => {
    expect(events(ticker({ chgAmt: undefined, chgRate: undefined }))).toMatchObject([
      { change: "-0.00001", changePct: null },
    ]);
  });
});

it.each([
  '{"status":"0000","resmsg":"Connected Successfully"}',
  '{"type":"orderbookdepth","content":{"list":[{"symbol":"XLM_KRW"}],"datetime":"1628835823604483"}}',
  '{"type":"orderbooksnapshot","content":{"symbol":"XLM_KRW"}}',
  '{"type":"transaction","content":{"list":[]}}',
])("ignores %s", (frame) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "ignored" });
});

it("hands on what Bithumb refuses", () => {
  const frame = '{"status":"5100","resmsg":"Invalid Filter Syntax"}';
  expect(parseFrame(frame, null)).toEqual({ kind: "refused", message: "5100: Invalid Filter Syntax" });
});

describe("a corrupt frame names its field:", () => {
  it.each([
    ["contPrice", "1,166"],
    ["contPrice", ""],
    ["contPrice", "01166"],
    ["contQty", undefined],
    ["buySellGb", "0"],
    ["symbol", "KRW-DAI"],
    ["symbol", "dai_krw"],
    ["contDtm", "1622591014555"],
    ["contDtm", "2021-02-30 08:43:34.555058"],
    ["contDtm", "2021-06-02 24:00:00.000000"],
  ])("%s %s", (field, value) => {
    const { message } = errorOf(transaction(trade({ [field]: value })));
    expect(message).toMatch(new RegExp(`^content\\.list\\[0\\] ${field}: `));
  });

  it.each([
    ["content.closePrice", { closePrice: undefined }],
    ["content.chgRate", { chgRate: "1.83%" }],
    ["content.tickType", { tickType: "6H" }],
    ["content.date", { date: "2021-01-01" }],
    ["content.time", { time: "" }],
    ["content.date, content.time", { date: "20210230" }],
    ["content.date, content.time", { tickType: "1H", time: "240000" }],
  ])("%s in %j", (field, more) => {
    expect(errorOf(ticker(more)).message).toMatch(new RegExp(`^${field}: `));
  });

  it.each([
    ["content: ", '{"type":"transaction"}'],
    ["content: ", '{"type":"ticker","content":[]}'],
    ["content.list: ", '{"type":"transaction","content":{}}'],
    ["type: ", '{"type":"trade","content":{}}'],
    ["type: ", '{"content":{}}'],
    ["status: ", '{"resmsg":"Connected Successfully"}'],
  ])("%s%s", (start, frame) => {
    expect(errorOf(frame).message.startsWith(start)).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../../../protocol/events.ts";
import { FrameError } from "../exchange.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { parseFrame } from "./parse.ts";

// Frames in the form of Korbit's documentation with figures that tell fields apart, worked out by hand.
const TICKER =
  '{"symbol":"eth_krw","timestamp":1730365099072,"type":"ticker","snapshot":true,"data":{"open":"4390000",' +
  '"high":"4391000.50","low":"4356000","close":"4357000","prevClose":"4456000","priceChange":"-99000",' +
  '"priceChangePercent":"-2.220","volume":"0.17021320","quoteVolume":"744416.83456","bestAskPrice":"4358000",' +
  '"bestBidPrice":"4324000","lastTradedAt":1730361789775}}';
const item = (more: object = {}) => ({
  ...{ timestamp: 1700000001239, price: "98909000.0", qty: "0.00146700", isBuyerTaker: true, tradeId: 123456 },
  ...more,
});
const trades = (...data: object[]) =>
  JSON.stringify({ symbol: "btc_krw", timestamp: 1700000005498, type: "trade", data });

const events = (frame: string, received: number | null = null) => eventsOf(parseFrame, frame, received);

describe("a ticker", () => {
  it("is read exactly, keys in the order of the contract, at the time of the last trade", () => {
    const [event] = events(TICKER, 1730365099080);
    expect(JSON.stringify(event)).toBe(
      '{"type":"ticker","instrument":"korbit:ETH-KRW","price":"4357000","size":null,"side":null,' +
        '"open":"4390000","high":"4391000.5","low":"4356000","prevClose":"4456000","change":"-99000",' +
        '"changePct":"-2.22","window":"24h","baseVolume24h":"0.1702132","quoteVolume24h":"744416.83456",' +
        '"bid":"4324000","ask":"4358000","status":null,"time":1730361789775,"received":1730365099080}',
    );
    expect(JSON.stringify(tickerEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("without a last trade has the time at which it was sent", () => {
    expect(events(TICKER.replace(',"lastTradedAt":1730361789775', ""))).toMatchObject([{ time: 1730365099072 }]);
  });

  it("that fell has a negative change, whether Korbit says it or not", () => {
    expect(events(TICKER)).toMatchObject([{ change: "-99000", changePct: "-2.22" }]);
    expect(events(TICKER.replace('"priceChange":"-99000",', ""))).toMatchObject([{ change: "-99000" }]);
  });
});

describe("a trade", () => {
  it("is read exactly, keys in the order of the contract, at the time of its execution", () => {
    const [event] = events(trades(item()), 5);
    expect(JSON.stringify(event)).toBe(
      '{"type":"trade","instrument":"korbit:BTC-KRW","id":"123456","price":"98909000","size":"0.001467",' +
        '"side":"buy","time":1700000001239,"received":5,"snapshot":false}',
    );
    expect(JSON.stringify(tradeEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("whose buyer was no taker is the seller's", () => {
    expect(events(trades(item({ isBuyerTaker: false })))).toMatchObject([{ side: "sell" }]);
  });

  it("repeated on connecting is a snapshot, as are all of its frame", () => {
    const frame = trades(item(), item({ tradeId: 2 })).replace('"type"', '"snapshot":true,"type"');
    expect(events(frame)).toMatchObject([{ snapshot: true }, { snapshot: true }]);
  });

  it("keeps an id beyond 2^53 digit for digit", () => {
    const frame = trades(item()).replace("123456", "17853950411240001");
    expect(events(frame)).toMatchObject([{ id: "17853950411240001" }]);
  });

  it("costs the others of its frame nothing when it is bad", () => {
    const error = refusalOf(trades(item({ tradeId: 1 }), item({ isBuyerTaker: "yes" }), item({ tradeId: 3 })));
    expect(error.message).toMatch(/^data\[1\] isBuyerTaker: /);
    expect(error.events).toMatchObject([{ id: "1" }, { id: "3" }]);
  });
});

it.each([
  '{"status":"success"}',
  '{"type":"orderbook","timestamp":1700000006177,"symbol":"btc_krw","snapshot":true,"data":{"asks":[],"bids":[]}}',
  trades(),
])("ignores %s", (frame) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "ignored" });
});

it.each([
  ['{"status":"success","requestId":1}', "1"],
  ['{"requestId":2147483646,"status":"success"}', "2147483646"],
])("takes %s for an answer", (frame, request) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "accepted", request });
});

it.each([
  [
    '{"status":"fail","code":"INVALID_SYMBOL","message":"no (nope_krw)","requestId":2}',
    "INVALID_SYMBOL: no (nope_krw)",
  ],
  ['{"status":"fail","message":"invalid_format"}', "invalid_format"],
  ['{"status":"error","message":"later"}', "later"],
])("hands on what Korbit refuses: %s", (frame, message) => {
  expect(parseFrame(frame, null)).toEqual({ kind: "refused", message });
});

const refusalOf = (frame: string) => frameErrorOf(parseFrame, frame);

describe("a corrupt frame names its field:", () => {
  it.each([
    ["price", { price: "dear" }],
    ["price", { price: "-1" }],
    ["price", { price: "007" }],
    ["qty", { qty: undefined }],
    ["isBuyerTaker", { isBuyerTaker: null }],
    ["timestamp", { timestamp: 1700000001 }],
    ["tradeId", { tradeId: 1.5 }],
  ])("%s of %j", (field, more) => {
    expect(refusalOf(trades(item(more))).message).toMatch(new RegExp(`^data\\[0\\] ${field}: `));
  });

  // Korbit tells capitals apart: BTC_KRW is no symbol of its.
  it.each(["BTC_KRW", "btc_KRW", "btckrw", "btc-krw", "btc_krw_x", "_krw", "btc_", ""])("symbol %s", (symbol) => {
    const message = "symbol: not base_quote in lower case, e.g. btc_krw";
    expect(refusalOf(TICKER.replace("eth_krw", symbol)).message).toBe(message);
    expect(refusalOf(trades(item()).replace("btc_krw", symbol)).message).toBe(message);
  });

  it.each([
    ["data.close", /"close":"4357000"/, '"close":null'],
    ["data.high", /"4391000.50"/, "{}"],
    ["data.lastTradedAt", /"lastTradedAt":\d+/, '"lastTradedAt":1730361789'],
    ["timestamp", /"timestamp":\d+,/, ""],
    ["data", /"data":.*\}\}/, '"data":[]}'],
    ["symbol", /"eth_krw"/, "true"],
    ["type", /"ticker"/, '"tickers"'],
    ["type", /"type":"ticker",/, ""],
    ["status", /"type":"ticker"/, '"status":"maybe"'],
  ])("%s, %s → %s", (field, from, to) => {
    expect(refusalOf(TICKER.replace(from, to)).message).toMatch(new RegExp(`^${field}: `));
  });

  it.each([
    [TICKER.replace('"close":"4357000"', '"close":null'), "no-trade"],
    [TICKER.replace('"type":"ticker"', '"status":"maybe"'), "no-trade"],
    [trades(item({ price: "dear" })), "trade"],
    [TICKER.replace('"ticker"', '"tickers"'), { unknownType: '"tickers"' }],
  ])("and says whether it may have been a trade: %s", (frame, subject) => {
    expect(refusalOf(frame).subject).toEqual(subject);
  });

  it.each(["", "{", "null", "7", "[]", "{}", `[${TICKER}]`, `${TICKER}x`])("none of %s", (frame) => {
    expect(refusalOf(frame)).toBeInstanceOf(FrameError);
  });
});

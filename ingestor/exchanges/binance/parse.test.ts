import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../../../protocol/events.ts";
import { FrameError } from "../exchange.ts";
import { eventsOf, frameErrorOf } from "../testing.ts";
import { readMarkets } from "./feed.ts";
import { parserFor } from "./parse.ts";

// Frames of Binance's documentation with figures that tell fields apart; what comes of them was worked out by hand.
const trade = (more: object = {}) =>
  JSON.stringify({
    ...{ e: "trade", E: 1672515782136, s: "BNBBTC", t: 12345, p: "0.00100000", q: "100.50", T: 1672515782130 },
    ...{ m: true, M: true },
    ...more,
  });
const AGG_TRADE =
  '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":777,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782131,' +
  '"m":false,"M":true}';
const TICKER =
  '{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.00150000","P":"-250.010","w":"0.0018","x":"0.0009",' +
  '"c":"0.0025","Q":"10","b":"0.0024","B":"11","a":"0.0026","A":"100","o":"0.0010","h":"0.0027","l":"0.0008",' +
  '"v":"10000","q":"18.0","O":1672429382000,"C":1672515782000,"F":0,"L":18150,"n":18151}';
const MINI =
  '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0009","o":"0.00105000","h":"0.0025","l":"0.0008",' +
  '"v":"10000","q":"18"}';

const parse = parserFor([]);
const events = (frame: string, received: number | null = null) => eventsOf(parse, frame, received);

describe("a trade", () => {
  it("is read exactly, keys in the order of the contract, at the time of its execution", () => {
    const [event] = events(trade(), 5);
    expect(JSON.stringify(event)).toBe(
      '{"type":"trade","instrument":"binance:BNB-BTC","id":"12345","price":"0.001","size":"100.5",' +
        '"side":"sell","time":1672515782130,"received":5,"snapshot":false}',
    );
    expect(JSON.stringify(tradeEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("whose buyer was the maker is the taker's sale", () => {
    expect(events(trade({ m: true }))).toMatchObject([{ side: "sell" }]);
    expect(events(trade({ m: false }))).toMatchObject([{ side: "buy" }]);
  });

  it("keeps an id beyond 2^53 digit for digit", () => {
    expect(events(trade().replace("12345", "17853950411240001"))).toMatchObject([{ id: "17853950411240001" }]);
  });

  it("with the order ids of before 2024 is the same trade", () => {
    expect(events(trade({ a: 2517144235, b: 2517144287 }))).toEqual(events(trade()));
  });

  it("aggregated has an id of its own, not those of its trades", () => {
    expect(events(AGG_TRADE)).toEqual([
      {
        type: "trade",
        instrument: "binance:BNB-BTC",
        id: "777",
        price: "0.001",
        size: "100",
        side: "buy",
        time: 1672515782131,
        received: null,
        snapshot: false,
      },
    ]);
    // Neither kind's id may stand in for the other's.
    expect(refusalOf(AGG_TRADE.replace('"a"', '"t"')).message).toMatch(/^a: /);
    expect(refusalOf(trade().replace('"t"', '"a"')).message).toMatch(/^t: /);
  });
});

describe("a ticker", () => {
  it("is read exactly, keys in the order of the contract, at the time of the event", () => {
    const [event] = events(TICKER, 1672515782140);
    expect(JSON.stringify(event)).toBe(
      '{"type":"ticker","instrument":"binance:BNB-BTC","price":"0.0025","size":"10","side":null,' +
        '"open":"0.001","high":"0.0027","low":"0.0008","prevClose":"0.0009","change":"-0.0015","changePct":"-250.01",' +
        '"window":"24h","baseVolume24h":"10000","quoteVolume24h":"18","bid":"0.0024","ask":"0.0026",' +
        '"status":null,"time":1672515782136,"received":1672515782140}',
    );
    expect(JSON.stringify(tickerEvent.parse(event))).toBe(JSON.stringify(event));
  });

  it("in its small form has the exact change and null for what is not sent", () => {
    expect(events(MINI)).toEqual([
      {
        type: "ticker",
        instrument: "binance:BNB-BTC",
        price: "0.0009",
        size: null,
        side: null,
        open: "0.00105",
        high: "0.0025",
        low: "0.0008",
        prevClose: null,
        change: "-0.00015",
        changePct: null,
        window: "24h",
        baseVolume24h: "10000",
        quoteVolume24h: "18",
        bid: null,
        ask: null,
        status: null,
        time: 1672515782136,
        received: null,
      },
    ]);
  });
});

describe("an envelope", () => {
  it.each([
    ["btcusdt@trade", trade()],
    ["!miniTicker@arr", `[${MINI},${MINI}]`],
    // Retired in March 2026; recordings have it.
    ["!ticker@arr", `[${TICKER}]`],
  ])("of %s changes nothing", (stream, data) => {
    expect(events(data)).not.toEqual([]);
    expect(events(`{"stream":"${stream}","data":${data}}`)).toEqual(events(data));
  });

  it("holds one frame, however deep somebody nests it", () => {
    const deep = `${'{"stream":"x","data":'.repeat(50_000)}1${"}".repeat(50_000)}`;
    for (const frame of [deep, '{"stream":"x"}', `[[${MINI}]]`]) expect(refusalOf(frame)).toBeInstanceOf(FrameError);
  });
});

it("loses nothing of a list but its bad items", () => {
  const error = refusalOf(`[${MINI},${MINI.replace('"0.0009"', '"?"')},${MINI.replace("BNBBTC", "BTCNEW")},${TICKER}]`);
  expect(error.message).toMatch(/^\[1\] c: not a number of 0 or more; \[2\] s: "BTCNEW" is in no market list /);
  expect(error.events.map((event) => event.type === "ticker" && event.price)).toEqual(["0.0009", "0.0025"]);
});

describe("a symbol", () => {
  const instrumentOf = (symbol: string, using = parse) => {
    const parsed = using(trade({ s: symbol }), null);
    return parsed.kind === "events" ? parsed.events[0]?.instrument : undefined;
  };
  const markets = readMarkets(
    JSON.stringify({
      symbols: [
        { symbol: "ADAEUR", status: "TRADING", baseAsset: "AD", quoteAsset: "AEUR" },
        { symbol: "BTCNEW", status: "BREAK", baseAsset: "BTC", quoteAsset: "NEW" },
      ],
    }),
  );

  it.each([
    ["BTCUSDT", "BTC-USDT"],
    ["BTCFDUSD", "BTC-FDUSD"],
    ["BTCTUSD", "BTC-TUSD"],
    ["USDTTRY", "USDT-TRY"],
    ["BNBUSD1", "BNB-USD1"],
    ["1000SATSUSDT", "1000SATS-USDT"],
    ["币安人生USDT", "币安人生-USDT"],
  ])("%s without a list is %s", (symbol, name) => {
    expect(instrumentOf(symbol)).toBe(`binance:${name}`);
  });

  it("is what the list says, and a new one is split by the list's quotes too", () => {
    const using = parserFor(markets);
    expect(instrumentOf("ADAEUR")).toBe("binance:ADA-EUR");
    expect(instrumentOf("ADAEUR", using)).toBe("binance:AD-AEUR");
    expect(instrumentOf("BTCNEW", using)).toBe("binance:BTC-NEW");
    expect(instrumentOf("ETHNEW", using)).toBe("binance:ETH-NEW");
    expect(instrumentOf("ETHBTC", using)).toBe("binance:ETH-BTC");
  });

  it.each(["BTCNEW", "USDT", "btcusdt", "BTC-USDT", "constructor", ""])("%s is known to nobody", (symbol) => {
    const { message } = refusalOf(trade({ s: symbol }));
    expect(message).toBe(`s: "${symbol}" is in no market list and ends with no known quote`);
  });
});

it.each([
  '{"result":null,"id":null}',
  '{"result":null}',
  '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{}}',
  '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}',
  '{"lastUpdateId":160,"bids":[],"asks":[]}',
  '{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}',
  '{"stream":"!ticker_1h@arr","data":[{"e":"1hTicker","E":1672515782136,"s":"BNBBTC"}]}',
  "[]",
])("ignores %s", (frame) => {
  expect(parse(frame, null)).toEqual({ kind: "ignored" });
});

it.each([
  ['{"result":null,"id":1}', "1"],
  ['{"result":null,"id":"c0ffee"}', "c0ffee"],
  ['{"id":9007199254740993,"result":["btcusdt@trade"]}', "9007199254740993"],
])("takes %s for an answer", (frame, request) => {
  expect(parse(frame, null)).toEqual({ kind: "accepted", request });
});

it.each([
  '{"e":"serverShutdown","E":1770123456789}',
  '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
])("understands that Binance is leaving: %s", (frame) => {
  expect(parse(frame, null)).toEqual({ kind: "leaving" });
});

describe("the newest trade", () => {
  const lastOf = (frame: string) => {
    const parsed = parse(frame, null);
    return parsed.kind === "events" ? parsed.lastTradeIds : undefined;
  };

  it("is named by the full ticker, in the words of its instrument", () => {
    expect(lastOf(TICKER)).toEqual(new Map([["binance:BNB-BTC", "18150"]]));
  });

  it("is named for each instrument of a list", () => {
    const other = TICKER.replace("BNBBTC", "BTCUSDT").replace('"L":18150', '"L":17853950411240001');
    expect(lastOf(`{"stream":"!ticker@arr","data":[${TICKER},${MINI},${other}]}`)).toEqual(
      new Map([
        ["binance:BNB-BTC", "18150"],
        ["binance:BTC-USDT", "17853950411240001"],
      ]),
    );
  });

  it.each([
    ["where there was none", TICKER.replace('"L":18150', '"L":-1')],
    ["where it is not sent", TICKER.replace('"L":18150,', "")],
    ["by the small ticker", MINI],
    ["by a trade", trade()],
  ])("is not named %s", (_, frame) => {
    expect(events(frame)).toHaveLength(1);
    expect(lastOf(frame)).toBeUndefined();
  });
});

it.each([
  ['{"code":2,"msg":"Invalid request: unknown method"}', "2: Invalid request: unknown method"],
  ['{"error":{"code":3,"msg":"Invalid JSON"},"id":4}', "3: Invalid JSON"],
])("hands on what Binance refuses: %s", (frame, message) => {
  expect(parse(frame, null)).toEqual({ kind: "refused", message });
});

const refusalOf = (frame: string) => frameErrorOf(parse, frame);

describe("a corrupt frame names its field:", () => {
  it.each([
    ["p", { p: "dear" }],
    ["p", { p: "-1" }],
    ["p", { p: "007" }],
    ["p", { p: null }],
    ["q", { q: undefined }],
    ["m", { m: "true" }],
    ["t", { t: 1.5 }],
    ["s", { s: undefined }],
    ["e", { e: "trades" }],
    ["e", { e: undefined }],
    ["t", { t: "-1" }],
    ["T", { T: 1672515782 }],
    // Microseconds, which we never ask for: refused, not taken for the year 54970.
    ["T", { T: 1672515782130001 }],
  ])("%s of %j", (field, more) => {
    expect(refusalOf(trade(more)).message).toMatch(new RegExp(`^${field}: `));
  });

  it("in a ticker as well", () => {
    expect(refusalOf(TICKER.replace('"P":"-250.010"', '"P":"many"')).message).toBe("P: not a number");
    expect(refusalOf(TICKER.replace('"E":1672515782136', '"E":1672515782136000')).message).toMatch(
      /^E: not milliseconds/,
    );
    expect(refusalOf(MINI.replace('"c"', '"C"')).message).toBe("c: missing, must be a number of 0 or more");
    expect(refusalOf(TICKER.replace('"L":18150', '"L":-2')).message).toBe("L: not an integer");
  });

  it.each(["", "{", "null", "7", '"UP"', "{}", "[[]]", '{"error":{}}', `${TICKER}x`])("none of %s", (frame) => {
    expect(refusalOf(frame)).toBeInstanceOf(FrameError);
  });
});

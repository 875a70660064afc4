import { describe, expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";
import { gapOf, marketEvent, tickerEvent, tickerOf } from "./events.ts";
import { CLIENT_OPS, clientFrame, dataItem, serverFrame, wantedPosition } from "./frames.ts";
import { LIMITS, RATE_PERIOD } from "./limits.ts";
import { PING_TEXT, PONG_TEXT } from "./ping.ts";

const TICKER = {
  price: "95299000",
  size: "0.0012",
  side: "buy",
  open: "94223000",
  high: "95465000",
  low: "93601000",
  prevClose: "94201000",
  change: "1098000",
  changePct: "1.1656",
  window: "utc-day",
  baseVolume24h: "2812.11",
  quoteVolume24h: "267003929911",
  bid: null,
  ask: null,
  status: "active",
  time: 1783655148303,
};
const PATH = { exchange: 1783655148303, received: 1783655148351, logged: 1783655148353, edge: 1783655148390 };
const item = { instrument: "upbit:BTC-KRW", epoch: "k7f-3", prev: 1041, seq: 1077, n: 4, t: PATH };
const TICKER_ITEM = {
  stream: "upbit:BTC-KRW@ticker@100ms",
  ...item,
  ticker: TICKER,
  range: { low: "95290000", high: "95310000" },
};
const trade = {
  id: "17883351803770004",
  price: "95299000",
  size: "0.0012",
  side: "buy",
  time: 1783655148303,
  seq: 1076,
};
const TRADE_ITEM = {
  stream: "upbit:BTC-KRW@trade@100ms",
  ...item,
  n: 2,
  trades: [trade, { ...trade, id: null, seq: 1077, late: true }],
};
const gap = { cause: "exchange_disconnect", since: 1783655148303, until: 1783655152000, state: "open" };
const GAP_ITEM = { stream: "upbit:BTC-KRW@trade@100ms", ...item, prev: 1077, seq: 1078, n: 0, gap };

describe("the examples of the contract are frames", () => {
  it.each([
    '{"op":"subscribe","id":1,"streams":["upbit:BTC-KRW@ticker",{"stream":"upbit:BTC-KRW@trade","epoch":"k7f-3","seq":1077}]}',
    '{"op":"unsubscribe","id":2,"streams":["upbit:BTC-KRW@ticker@100ms"]}',
    '{"op":"ack","id":7}',
    PING_TEXT,
  ])("of a client: %s", (text) => {
    expect(clientFrame.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it.each([
    '{"op":"welcome","session":"s","region":"apac","limits":{"streams":200,"message_bytes":32768,"messages_per_second":10}}',
    JSON.stringify({ op: "welcome", session: "s", region: "apac", limits: LIMITS }),
    '{"op":"subscribed","id":1,"streams":[{"requested":"a","stream":"b","epoch":"c","seq":1077,"recovered":true}],"failed":[{"requested":"d","error":{"code":"unknown_instrument","message":"e","retryable":false}}]}',
    '{"op":"subscribed","streams":[{"requested":"a","stream":"b","seq":0}],"failed":[]}',
    '{"op":"unsubscribed","id":2,"streams":["a"]}',
    '{"op":"status","exchange":"upbit","state":"live","source":"live","since":1783655148303,"asOf":1783655163000,"detail":"d"}',
    '{"op":"probe","id":7}',
    '{"op":"reconnect","within":5000,"reason":"deploy"}',
    '{"op":"error","id":1,"code":"bad_request","message":"m","retryable":false}',
    JSON.stringify({ op: "data", data: [TICKER_ITEM, TRADE_ITEM, GAP_ITEM] }),
    PONG_TEXT,
  ])("of the server: %s", (text) => {
    expect(serverFrame.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });
});

it("fields to come are ignored", () => {
  expect(serverFrame.parse({ op: "probe", id: 7, urgency: "low" })).toEqual({ op: "probe", id: 7 });
  expect(dataItem.parse({ ...TICKER_ITEM, candle: {} })).toEqual(TICKER_ITEM);
});

it("CLIENT_OPS names every op of a client", () => {
  expect(clientFrame.options.map(({ shape }) => shape.op.value)).toEqual([...CLIENT_OPS]);
});

it("leaves a position to be judged with its stream: a bad one spoils no other", () => {
  expect(clientFrame.safeParse({ op: "subscribe", streams: ["a", { stream: "b", seq: -1 }] }).success).toBe(true);
  expect(wantedPosition.safeParse({ epoch: "e", seq: -1 }).success).toBe(false);
});

it.each([
  { op: "subscribe", streams: [] },
  { op: "subscribe", streams: [{ stream: 5 }] },
  { op: "subscribe", streams: ["a"], id: 1.5 },
  { op: "ack", id: "7" },
  { op: "shout" },
  {},
])("refuses %j", (frame) => {
  expect(clientFrame.safeParse(frame).success).toBe(false);
});

it.each(["95299000.0", "1e5", "+1", 95299000, ""])("a price is a decimal in plain notation, not %j", (price) => {
  expect(dataItem.safeParse({ ...TICKER_ITEM, ticker: { ...TICKER, price } }).success).toBe(false);
});

describe("normalised events", () => {
  const event = { type: "ticker", instrument: "upbit:BTC-KRW", ...TICKER, received: null };

  it("are written in the order of the contract, whatever the order they were read in", () => {
    const shuffled = Object.fromEntries(Object.entries(event).reverse());
    expect(JSON.stringify(marketEvent.parse(shuffled))).toBe(JSON.stringify(event));
    expect(JSON.stringify(tickerOf(tickerEvent.parse(shuffled)))).toBe(JSON.stringify(TICKER));
  });

  it("may be gaps", () => {
    const parsed = marketEvent.parse({ type: "gap", instrument: "upbit:BTC-KRW", received: 1, ...gap });
    expect(parsed.type === "gap" && gapOf(parsed)).toEqual(gap);
  });
});

it("the limits of an address are those that the deployment counts by", () => {
  const limit = (name: string, limit: number) => ({ name, simple: { limit, period: RATE_PERIOD } });
  expect(unstable_readConfig({ config: "wrangler.toml" })).toMatchObject({
    ratelimits: [
      limit("CONNECTION_LIMITER", LIMITS.connections_per_minute),
      limit("REQUEST_LIMITER", LIMITS.requests_per_minute),
    ],
  });
});

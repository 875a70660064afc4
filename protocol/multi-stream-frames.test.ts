import { describe, expect, it } from "vitest";
import { clientFrame, serverFrame } from "./frames.ts";
import { MULTI_LIMITS } from "./limits.ts";
import { multiClientFrame, multiServerFrame } from "./multi-stream-frames.ts";

describe("the examples of the contract are frames", () => {
  it.each([
    '{"op":"subscribe","id":1,"streams":["upbit:BTC-KRW@ticker",{"stream":"upbit:BTC-KRW@trade","epoch":"k7f-3","seq":1077}]}',
    '{"op":"subscribe","id":2,"streams":["upbit:*-KRW@trade","upbit:ETH-BTC@trade"],"from":{"k7f-0":20931,"k7f-3":1077}}',
    '{"op":"unsubscribe","id":2,"streams":["upbit:BTC-KRW@ticker@100ms"]}',
    '{"op":"ack","id":7}',
  ])("of a client: %s", (text) => {
    expect(multiClientFrame.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it.each([
    JSON.stringify({ op: "welcome", session: "s", region: "apac", time: 1783655148390, limits: MULTI_LIMITS }),
    '{"op":"subscribed","id":1,"streams":[{"requested":"a","stream":"b","epoch":"c","seq":1077,"recovered":true}],"failed":[],"positions":{"c":1077}}',
    '{"op":"subscribed","streams":[{"requested":"a","stream":"b","matches":12,"recovered":{"k7f-0":true,"k7f-3":"too_old"}}],"failed":[]}',
    '{"op":"data","data":[],"positions":{"k7f-3":1077}}',
    '{"op":"status","exchange":"upbit","state":"live","source":"live","since":1783655148303,"asOf":1783655163000,"detail":"d"}',
    '{"op":"ended","instruments":["upbit:X-KRW"],"error":{"code":"unknown_instrument","message":"m","retryable":false}}',
    '{"op":"probe","id":7}',
    '{"op":"reconnect","within":5000,"reason":"deploy"}',
  ])("of the server: %s", (text) => {
    expect(multiServerFrame.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });
});

it("asks for nothing that a socket of one instrument would refuse, and tells it nothing that it can't read", () => {
  const { from: _from, ...alike } = { op: "subscribe", id: 1, streams: ["a"], from: { e: 1 } };
  expect(clientFrame.parse({ ...alike, from: { e: 1 } })).toEqual(alike);
  expect(serverFrame.parse({ op: "data", data: [], positions: { e: 1 } })).toEqual({ op: "data", data: [] });
});

it.each([{ e: -1 }, { e: "1" }, { e: 1.5 }, { "": 1 }, { ["e".repeat(65)]: 1 }, "e:1", ["e"]])(
  "takes no positions like %j",
  (from) => {
    expect(multiClientFrame.safeParse({ op: "subscribe", streams: ["a"], from }).success).toBe(false);
  },
);

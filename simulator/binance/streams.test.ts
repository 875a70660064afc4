import { expect, test } from "vitest";
import { assetsOf, isStreamName, streamOf, streamsIn, symbolOf } from "./streams.ts";

test("a market code is quote first, a symbol is not", () => {
  expect(symbolOf("USDT-BTC")).toBe("BTCUSDT");
  expect(assetsOf("BTC-1INCH")).toEqual({ base: "1INCH", quote: "BTC" });
  expect(streamOf("FDUSD-ETH", "aggTrade")).toBe("ethfdusd@aggTrade");
});

test("any text of the form of a stream's name is one", () => {
  const names = ["btcusdt@trade", "BTCUSDT@trade", "nope@depth5@100ms", "币安usdt@trade", "!ticker@arr", "!bookTicker"];
  expect(names.filter(isStreamName)).toEqual(names);
  expect(["btcusdt", "", "@trade", "a b@trade", "a@", "!"].filter(isStreamName)).toEqual([]);
});

test("an address may name streams", () => {
  expect(streamsIn(new URL("ws://host/stream?streams=a@trade/b@ticker"))).toEqual(["a@trade", "b@ticker"]);
  expect(streamsIn(new URL("ws://host/stream"))).toEqual([]);
});

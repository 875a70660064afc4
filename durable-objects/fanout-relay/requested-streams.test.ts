import { expect, it } from "vitest";
import { subscription } from "./markets.ts";
import { readStreams } from "./requested-streams.ts";
import { MARKETS } from "./testing/simulated-feeds.ts";

const has = (...names: string[]) => new Map(names.map((name) => [name, subscription(name, MARKETS)]));

it("says where a stream and a wildcard come from, and what they stand for", () => {
  expect(subscription("upbit:*-KRW@trade", MARKETS)).toMatchObject({
    matches: 2,
    sources: [
      { partition: "upbit/0", name: "upbit:*-KRW@trade@1s" },
      { partition: "upbit/1", name: "upbit:*-KRW@trade@1s" },
    ],
  });
  expect(subscription("*:BTC-USDT@ticker@raw", MARKETS).sources).toEqual([
    { partition: "upbit/0", name: "upbit:BTC-USDT@ticker@raw" },
    { partition: "binance/0", name: "binance:BTC-USDT@ticker@raw" },
  ]);
});

it("counts named streams and wildcards apart, and neither twice", () => {
  const limits = { streams: 2, wildcards: 1 };
  const { wanted, failed } = readStreams(
    [
      "upbit:BTC-KRW@trade",
      "upbit:BTC-KRW@trade@100ms",
      "upbit:ETH-KRW@trade",
      "upbit:XRP-BTC@trade",
      "upbit:*-*@trade",
      "*:*-*@trade",
    ],
    has("upbit:BTC-KRW@trade@100ms"),
    MARKETS,
    limits,
  );
  expect(wanted.map(({ subscription, had }) => [subscription.name, had])).toEqual([
    ["upbit:BTC-KRW@trade@100ms", true],
    ["upbit:ETH-KRW@trade@100ms", false],
    ["upbit:*-*@trade@1s", false],
  ]);
  expect(failed.map(({ requested, error }) => [requested, error.message])).toEqual([
    ["upbit:XRP-BTC@trade", "at most 2 streams on one connection: open another one"],
    ["*:*-*@trade", "at most 1 wildcards on one connection: open another one"],
  ]);
});

it("refuses a wildcard over exchanges for a pair that none of them has", () => {
  const { failed } = readStreams(["*:BTC-JPY@trade", "upbit:*-JPY@trade"], has(), MARKETS, {
    streams: 9,
    wildcards: 9,
  });
  expect(failed).toMatchObject([{ requested: "*:BTC-JPY@trade", error: { code: "unknown_instrument" } }]);
});

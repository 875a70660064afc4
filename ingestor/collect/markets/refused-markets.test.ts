import { expect, it } from "vitest";
import { korbit } from "../../exchanges/korbit/index.ts";
import { RefusedMarkets } from "./refused-markets.ts";

const symbols = ["btc_krw", "eth_krw", "xrp_krw", "ada_krw"];
const MARKETS = korbit.readMarkets(
  JSON.stringify({ success: true, data: symbols.map((symbol) => ({ symbol, status: "launched" })) }),
);
const MINUTE = 60_000;

it("are those that the exchange names, in capitals or not", () => {
  const refused = new RefusedMarkets();
  expect(refused.add("INVALID_SYMBOL: The symbol does not exist (eth_krw)", MARKETS, 0)).toBe(true);
  expect(refused.add("no such market: XRP_KRW.", MARKETS, 0)).toBe(true);
  expect(refused.at(1)).toEqual(["eth_krw", "xrp_krw"]);
  expect(MARKETS.map((market) => refused.has(market, 1))).toEqual([false, true, true, false]);
});

it("are none where the exchange names none, or repeats what was asked for", () => {
  const refused = new RefusedMarkets();
  expect(refused.add("too many requests", MARKETS, 0)).toBe(false);
  expect(refused.add(`bad request: ${symbols.join()}`, MARKETS, 0)).toBe(false);
  expect(refused.at(1)).toEqual([]);
});

it("are tried again after a while, later each time they are refused again", () => {
  const refused = new RefusedMarkets();
  const fates: boolean[] = [];
  for (const [now, later] of [
    [0, 9],
    [10, 29],
    [30, 69],
  ] as const) {
    expect(refused.at(now * MINUTE)).toEqual([]);
    refused.add("eth_krw", MARKETS, now * MINUTE);
    fates.push(refused.at(later * MINUTE).length === 1);
  }
  expect(fates).toEqual([true, true, true]);
});

it("are forgotten when they leave the list", () => {
  const refused = new RefusedMarkets();
  refused.add("eth_krw", MARKETS, 0);
  refused.keepOnly(MARKETS);
  expect(refused.at(1)).toEqual(["eth_krw"]);
  refused.keepOnly(MARKETS.slice(0, 1));
  refused.keepOnly(MARKETS);
  expect(refused.at(1)).toEqual([]);
});

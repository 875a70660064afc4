import { describe, expect, it } from "vitest";
import type { OddRow } from "../exchange.ts";
import { findExchange, UnknownExchangeError } from "../index.ts";
import { serve } from "../testing.ts";
import { feed, readMarkets } from "./feed.ts";
import { upbit } from "./index.ts";

/** Where the exchange has its market list. */
const LIST = "/v1/market/all?is_details=true";

const CALM = {
  PRICE_FLUCTUATIONS: false,
  TRADING_VOLUME_SOARING: false,
};
const row = (market: string, more = {}) => ({ market, korean_name: "이름", english_name: "Name", ...more });
const warningOf = (more: object) => readMarkets(JSON.stringify([row("KRW-BTC", more)]))[0]?.warning;

describe("subscribing", () => {
  const markets = readMarkets(JSON.stringify([row("KRW-BTC"), row("BTC-FCT2")]));

  it("asks for ticker and trade of every market in one frame, of which no answer is awaited", () => {
    const [request, ...more] = feed.subscribe(markets, []);
    expect({ ...request, more }).toEqual({ frame: expect.any(String), more: [] });
    expect(JSON.parse(request?.frame ?? "")).toEqual([
      { ticket: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { type: "trade", codes: ["KRW-BTC", "BTC-FCT2"] },
      { type: "ticker", codes: ["KRW-BTC", "BTC-FCT2"] },
      { format: "SIMPLE" },
    ]);
  });

  it("asks for everything again when one more is wanted, with a new ticket", () => {
    const [[first], [again]] = [feed.subscribe(markets, []), feed.subscribe(markets, markets.slice(0, 1))];
    const [one, two] = [first, again].map((request) => JSON.parse(request?.frame ?? ""));
    expect(two.slice(1)).toEqual(one.slice(1));
    expect(two[0]).not.toEqual(one[0]);
  });

  it("asks for nothing when there is no market", () => {
    expect(feed.subscribe([], markets)).toEqual([]);
  });

  it("stays within 5 messages a second and 100 a minute", () => {
    const { count, per } = feed.sends;
    expect(count).toBeLessThanOrEqual(5);
    expect((count / per) * 60_000).toBeLessThanOrEqual(100);
  });
});

describe("the market list", () => {
  it("names the warnings that are on", () => {
    const cautions = { ...CALM, TRADING_VOLUME_SOARING: true };
    expect(warningOf({ market_event: { warning: true, caution: cautions } })).toBe("WARNING,TRADING_VOLUME_SOARING");
    expect(warningOf({ market_event: { warning: false, caution: CALM } })).toBeNull();
    expect(warningOf({ market_warning: "CAUTION" })).toBe("CAUTION");
    expect(warningOf({ market_warning: "NONE" })).toBeNull();
    expect(warningOf({})).toBeNull();
  });

  it.each([
    ["[{}]", "0.market: "],
    ['[{"market":"BTC"}]', "0.market: not QUOTE-BASE"],
    ['{"error":{"name":429}}', "expected array"],
  ])("of %s is refused", (body, reason) => {
    expect(() => readMarkets(body)).toThrow(reason);
  });

  it.each([
    ["a code with a dot", row("KRW-A.B"), "1.market: not QUOTE-BASE"],
    ["lower case", row("KRW-eth"), "1.market: not QUOTE-BASE"],
    ["an emoji", row("KRW-🚀"), "1.market: not QUOTE-BASE"],
    ["no code", { korean_name: "이름" }, "1.market: missing"],
    ["a name that is none", row("KRW-ETH", { korean_name: 5 }), "1.korean_name: "],
    ["one that is there twice", row("KRW-BTC"), "upbit:BTC-KRW is there twice"],
    ["no row at all", null, "1: "],
  ])("keeps the others where a row is odd: %s", (_what, oddRow, reason) => {
    const odd: OddRow[] = [];
    const list = JSON.stringify([row("KRW-BTC"), oddRow, row("BTC-FCT2")]);
    expect(readMarkets(list, (one) => odd.push(one)).map(({ nativeSymbol }) => nativeSymbol)).toEqual([
      "KRW-BTC",
      "BTC-FCT2",
    ]);
    expect(odd).toEqual([{ row: oddRow, reason: expect.stringContaining(reason) }]);
  });

  it("takes a flag that is null for one that is not set", () => {
    expect(warningOf({ market_event: { warning: null, caution: { ...CALM, PRICE_FLUCTUATIONS: null } } })).toBeNull();
    expect(warningOf({ market_event: { warning: true, caution: null } })).toBe("WARNING");
  });

  it("is fetched with its warnings", async () => {
    const restUrl = await serve(LIST, 200, [row("USDT-BTC")]);
    expect(await upbit.markets(restUrl, AbortSignal.timeout(10_000))).toMatchObject([
      { instrument: "upbit:BTC-USDT", nativeSymbol: "USDT-BTC" },
    ]);
  });

  it("is not taken from an error", async () => {
    const restUrl = await serve(LIST, 429, []);
    await expect(upbit.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow("answered 429");
  });
});

describe("findExchange", () => {
  it("finds upbit and names what there is instead of others", () => {
    expect(findExchange("upbit")).toBe(upbit);
    expect(() => findExchange("constructor")).toThrow(UnknownExchangeError);
    expect(() => findExchange("upbitt")).toThrow('there is no exchange "upbitt": use upbit');
  });
});

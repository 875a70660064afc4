import { describe, expect, it } from "vitest";
import type { OddRow } from "../exchange.ts";
import { findExchange } from "../index.ts";
import { serve } from "../testing.ts";
import { feed, readMarkets } from "./feed.ts";
import { bithumb } from "./index.ts";

/** Where the exchange has its market list. */
const LIST = "/v1/market/all?isDetails=true";

const row = (market: string, more = {}) => ({ market, korean_name: "이름", english_name: "Name", ...more });
const warningOf = (more: object) => readMarkets(JSON.stringify([row("KRW-BTC", more)]))[0]?.warning;

it("is found by its name", () => {
  expect(findExchange("bithumb")).toBe(bithumb);
});

describe("subscribing", () => {
  const markets = readMarkets(JSON.stringify([row("KRW-BTC"), row("BTC-FCT2")]));

  it("asks for ticker and trade of every market in one frame, whatever was there before", () => {
    const [request, ...more] = feed.subscribe(markets, markets.slice(0, 1));
    expect({ ...request, more }).toEqual({ frame: expect.any(String), more: [] });
    expect(JSON.parse(request?.frame ?? "")).toEqual([
      { ticket: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { type: "trade", codes: ["KRW-BTC", "BTC-FCT2"] },
      { type: "ticker", codes: ["KRW-BTC", "BTC-FCT2"] },
      { format: "DEFAULT" },
    ]);
  });

  it("asks for nothing when there is no market", () => {
    expect(feed.subscribe([], markets)).toEqual([]);
  });

  it("stays within ten connections a second", () => {
    expect((feed.connects.count / feed.connects.per) * 1000).toBeLessThanOrEqual(10);
  });
});

describe("the market list", () => {
  it("is read with its names", () => {
    expect(readMarkets(JSON.stringify([row("KRW-1INCH", { market_warning: "CAUTION" })]))).toEqual([
      {
        instrument: "bithumb:1INCH-KRW",
        exchange: "bithumb",
        base: "1INCH",
        quote: "KRW",
        nativeSymbol: "KRW-1INCH",
        names: { ko: "이름", en: "Name" },
        status: null,
        warning: "CAUTION",
      },
    ]);
  });

  it("says when there is no warning", () => {
    expect(warningOf({ market_warning: "NONE" })).toBeNull();
    expect(warningOf({})).toBeNull();
  });

  it("of the older generation is priced in bitcoin where bitcoin is not in it", () => {
    const markets = (...bases: string[]) =>
      readMarkets(
        JSON.stringify({ status: "0000", data: Object.fromEntries([...bases, "date"].map((key) => [key, {}])) }),
      );
    expect(markets("BTC", "ETH")).toMatchObject([{ instrument: "bithumb:BTC-KRW" }, { nativeSymbol: "ETH_KRW" }]);
    expect(markets("ETH")).toMatchObject([{ instrument: "bithumb:ETH-BTC", names: { ko: null }, warning: null }]);
  });

  it.each([
    ["[{}]", "0.market: "],
    ['[{"market":"BTC_KRW"}]', "0.market: not QUOTE-BASE"],
    ['{"markets":[]}', "expected array"],
    ['{"status":"0000","data":{"btc":{}}}', "not BASE_QUOTE"],
    ['{"error":{"name":404,"message":"Code not found"}}', "Bithumb answered with an error: 404: Code not found"],
    ['{"status":"5500","message":"Invalid Parameter"}', "Bithumb answered with an error: 5500: Invalid Parameter"],
  ])("of %s is refused", (body, reason) => {
    expect(() => readMarkets(body)).toThrow(reason);
  });

  it.each(["KRW-A.B", "KRW-eth", "KRW-🚀", null])("keeps the others where the code of a row is odd: %s", (market) => {
    const odd: OddRow[] = [];
    const list = JSON.stringify([row("KRW-BTC"), { market }, row("KRW-ETH")]);
    expect(readMarkets(list, (one) => odd.push(one)).length).toBe(2);
    expect(odd).toEqual([{ row: { market }, reason: expect.stringContaining("1.market: not QUOTE-BASE") }]);
  });

  it("of the older generation keeps the others too", () => {
    const odd: OddRow[] = [];
    const list = JSON.stringify({ status: "0000", data: { BTC: {}, "A.B": {}, ETH: {} } });
    expect(readMarkets(list, (one) => odd.push(one)).length).toBe(2);
    expect(odd).toEqual([{ row: "A.B_KRW", reason: "1: not BASE_QUOTE, e.g. BTC_KRW" }]);
  });

  it("is fetched with its warnings", async () => {
    const restUrl = await serve(LIST, 200, [row("KRW-BTC")]);
    expect(await bithumb.markets(restUrl, AbortSignal.timeout(10_000))).toMatchObject([
      { instrument: "bithumb:BTC-KRW", nativeSymbol: "KRW-BTC" },
    ]);
  });

  it.each([
    [429, [], "answered 429"],
    [200, { error: { name: 429, message: "too many" } }, "429: too many"],
  ])("is not taken from an error, whatever its HTTP status: %i", async (status, body, reason) => {
    const restUrl = await serve(LIST, status, body);
    await expect(bithumb.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow(reason);
  });
});

import { describe, expect, it } from "vitest";
import type { OddRow } from "../exchange.ts";
import { findExchange } from "../index.ts";
import { serve } from "../testing.ts";
import { feed, readMarkets } from "./feed.ts";
import { binance } from "./index.ts";

/** Where the exchange has its market list. */
const LIST = "/api/v3/exchangeInfo?permissions=SPOT&showPermissionSets=false&symbolStatus=TRADING";

const row = (baseAsset: string, quoteAsset: string, status = "TRADING") => ({
  ...{ symbol: baseAsset + quoteAsset, status, baseAsset, quoteAsset },
  permissions: ["SPOT"],
});
const marketsOf = (...symbols: object[]) => readMarkets(JSON.stringify({ timezone: "UTC", symbols }));

/** What requests ask for, in their order, and how many streams each names. */
function asked(...[wanted, before]: Parameters<typeof feed.subscribe>) {
  return feed.subscribe(wanted, before).map(({ frame, id }) => {
    const request = JSON.parse(frame);
    expect(request.id).toBe(id);
    // An answer repeats the id as it was sent.
    expect(binance.parser([])(`{"result":null,"id":"${id}"}`, null)).toEqual({ kind: "accepted", request: id });
    return { method: request.method, params: request.params };
  });
}

describe("subscribing", () => {
  const [bitcoin, chinese, ether] = [row("BTC", "USDT"), row("币安人生", "USDT"), row("ETH", "BTC")];

  it("asks for trades and ticker of each market, in lower case", () => {
    const params = ["btcusdt@trade", "btcusdt@ticker", "币安人生usdt@trade", "币安人生usdt@ticker"];
    expect(asked(marketsOf(bitcoin, chinese), [])).toEqual([{ method: "SUBSCRIBE", params }]);
    expect(asked([], [])).toEqual([]);
  });

  it("asks for what is new alone, after it has asked for less", () => {
    expect(asked(marketsOf(ether, bitcoin), marketsOf(bitcoin, chinese))).toEqual([
      { method: "UNSUBSCRIBE", params: ["币安人生usdt@trade", "币安人生usdt@ticker"] },
      { method: "SUBSCRIBE", params: ["ethbtc@trade", "ethbtc@ticker"] },
    ]);
    expect(asked(marketsOf(bitcoin, ether), marketsOf(ether, bitcoin))).toEqual([]);
  });

  it("fills a connection within 1024 streams, 200 a request, and the requests of one second", () => {
    const many = feed.marketsPerConnection ?? 0;
    const markets = marketsOf(...Array.from({ length: many }, (_, index) => row(`C${index}`, "BTC")));
    const requests = asked(markets, []);
    expect(requests.map(({ params }) => params.length)).toEqual([200, 200, 200, 200]);
    expect(requests.length).toBeLessThanOrEqual(feed.sends.count);
    const streams = new Set(requests.flatMap(({ params }) => params));
    expect(streams.size).toBe(2 * many);
    expect(streams).toContain("c399btc@ticker");
  });

  it("gives each request an id of its own, of letters and digits", () => {
    const ids = [0, 1, 2].flatMap(() => feed.subscribe(marketsOf(bitcoin), []).map(({ id }) => id ?? ""));
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{1,36}$/);
  });

  it("leaves one message a second for the pong, and goes before it is a day old", () => {
    expect((feed.sends.count / feed.sends.per) * 1000).toBeLessThan(5);
    expect(feed).toMatchObject({ pingEvery: null, lifetime: 82_800_000 });
  });
});

describe("the market list", () => {
  it("keeps the exchange's status and says null of names and warning", () => {
    expect(marketsOf(row("BTC", "USDT", "HALT"))).toEqual([
      {
        ...{ instrument: "binance:BTC-USDT", exchange: "binance", base: "BTC", quote: "USDT", nativeSymbol: "BTCUSDT" },
        ...{ names: { ko: null, en: null }, status: "HALT", warning: null },
      },
    ]);
  });

  it.each([
    ["[]", "expected object"],
    ['{"code":-1003,"msg":"Too much request weight used"}', "symbols: "],
    ['{"symbols":[{"symbol":"BTCUSDT"}]}', "symbols.0.status: "],
    [JSON.stringify({ symbols: [row("b-tc", "USDT")] }), "symbols.0.baseAsset: not letters and digits"],
  ])("of %s is refused", (body, reason) => {
    expect(() => readMarkets(body)).toThrow(reason);
  });

  it.each([
    ["a base with a dot", row("A.B", "USDT"), "symbols.1.baseAsset: "],
    ["a quote in lower case", row("ETH", "usdt"), "symbols.1.quoteAsset: "],
    ["no status", { ...row("ETH", "USDT"), status: undefined }, "symbols.1.status: "],
    ["a status that is null", { ...row("ETH", "USDT"), status: null }, "symbols.1.status: "],
  ])("keeps the others where a row is odd: %s", (_what, oddRow, reason) => {
    const odd: OddRow[] = [];
    const list = JSON.stringify({ symbols: [row("BTC", "USDT"), oddRow, row("ETH", "BTC")] });
    expect(readMarkets(list, (one) => odd.push(one)).length).toBe(2);
    expect(odd.map((one) => one.reason)).toEqual([expect.stringContaining(reason)]);
  });

  it("is fetched without what is not traded", async () => {
    const restUrl = await serve(LIST, 200, { symbols: [row("BTC", "USDT"), row("BTC", "PAX", "BREAK")] });
    expect(await binance.markets(restUrl, AbortSignal.timeout(10_000))).toMatchObject([{ nativeSymbol: "BTCUSDT" }]);
  });

  it("is not taken from an error", async () => {
    const restUrl = await serve(LIST, 451, { symbols: [] });
    await expect(binance.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow("answered 451");
  });
});

it("is registered", () => {
  expect(findExchange("binance")).toBe(binance);
});

import { describe, expect, it } from "vitest";
import type { OddRow } from "../exchange.ts";
import { findExchange } from "../index.ts";
import { serve } from "../testing.ts";
import { feed, readMarkets } from "./feed.ts";
import { korbit } from "./index.ts";

/** Where the exchange has its market list. */
const LIST = "/v2/currencyPairs";

const row = (symbol: string, status = "launched") => ({ symbol, status, minOrderValue: "5000" });
const body = (...data: object[]) => ({ success: true, data });
const marketsOf = (...data: object[]) => readMarkets(JSON.stringify(body(...data)));

/** What requests ask for, in their order. */
function asked(...[wanted, before]: Parameters<typeof feed.subscribe>) {
  return feed.subscribe(wanted, before).map(({ frame, id }) => {
    const [{ requestId, ...request }, ...more] = JSON.parse(frame);
    expect({ requestId: String(requestId), more }).toEqual({ requestId: id, more: [] });
    // An answer repeats the id as it was sent.
    const answer = JSON.stringify({ status: "success", requestId });
    expect(korbit.parser([])(answer, null)).toEqual({ kind: "accepted", request: id });
    return request;
  });
}

describe("subscribing", () => {
  const [bitcoin, inch, ether] = [row("btc_krw"), row("1inch_krw"), row("eth_krw")];

  it("asks for ticker and for trade of every market, a list of one each, symbols as they are", () => {
    const symbols = ["btc_krw", "1inch_krw"];
    expect(asked(marketsOf(bitcoin, inch), [])).toEqual([
      { method: "subscribe", type: "trade", symbols },
      { method: "subscribe", type: "ticker", symbols },
    ]);
    expect(asked([], [])).toEqual([]);
  });

  it("asks for what is new alone, after it has asked for less", () => {
    expect(asked(marketsOf(bitcoin, ether), marketsOf(inch, bitcoin))).toEqual([
      { method: "unsubscribe", type: "trade", symbols: ["1inch_krw"] },
      { method: "unsubscribe", type: "ticker", symbols: ["1inch_krw"] },
      { method: "subscribe", type: "trade", symbols: ["eth_krw"] },
      { method: "subscribe", type: "ticker", symbols: ["eth_krw"] },
    ]);
  });

  it("gives each request an id of its own", () => {
    const ids = feed.subscribe(marketsOf(bitcoin), marketsOf(inch)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
  });
});

describe("the market list", () => {
  it.each([
    ["[]", "expected object"],
    ['{"success":false,"error":{"message":"TOO_MANY_REQUESTS"}}', "success: "],
    [JSON.stringify({ ...body(), success: false }), "success: "],
    [JSON.stringify(body({ status: "launched" })), "data.0.symbol: "],
    [JSON.stringify(body({ symbol: "btc_krw" })), "data.0.status: "],
    [JSON.stringify(body(row("BTC_KRW"))), "data.0.symbol: not base_quote"],
  ])("of %s is refused", (text, reason) => {
    expect(() => readMarkets(text)).toThrow(reason);
  });

  it.each([
    ["in upper case", row("ETH_KRW"), "data.1.symbol: not base_quote"],
    ["with a dot", row("a.b_krw"), "data.1.symbol: not base_quote"],
    ["without a status", { symbol: "eth_krw" }, "data.1.status: "],
    ["with a status that is null", { symbol: "eth_krw", status: null }, "data.1.status: "],
  ])("keeps the others where a row is odd: %s", (_what, oddRow, reason) => {
    const odd: OddRow[] = [];
    const list = JSON.stringify(body(row("btc_krw"), oddRow, row("xrp_krw")));
    expect(readMarkets(list, (one) => odd.push(one)).length).toBe(2);
    expect(odd).toEqual([{ row: oddRow, reason: expect.stringContaining(reason) }]);
  });

  it("is read with what is stopped, and fetched without it", async () => {
    const list = body(row("btc_krw"), row("old_krw", "stopped"));
    expect(readMarkets(JSON.stringify(list))).toMatchObject([{ status: "launched" }, { status: "stopped" }]);
    const markets = await korbit.markets(await serve(LIST, 200, list), AbortSignal.timeout(10_000));
    expect(markets).toMatchObject([{ instrument: "korbit:BTC-KRW", nativeSymbol: "btc_krw" }]);
  });

  it("is not taken from an error", async () => {
    const restUrl = await serve(LIST, 429, body());
    await expect(korbit.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow("answered 429");
  });
});

it("is registered", () => {
  expect(findExchange("korbit")).toBe(korbit);
});

import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { findReadable } from "../index.ts";
import { feed, readMarkets } from "./feed.ts";
import { korbit } from "./index.ts";

const row = (symbol: string, status = "launched") => ({ symbol, status, minOrderValue: "5000" });
const body = (...data: object[]) => ({ success: true, data });
const marketsOf = (...data: object[]) => readMarkets(JSON.stringify(body(...data)));

describe("subscribing", () => {
  it("asks for ticker and trade of every market in one list, symbols as they are", () => {
    const [frame = "", ...more] = feed.subscribe(marketsOf(row("btc_krw"), row("1inch_krw")));
    expect(more).toEqual([]);
    expect(JSON.parse(frame)).toEqual([
      { requestId: 1, method: "subscribe", type: "ticker", symbols: ["btc_krw", "1inch_krw"] },
      { requestId: 2, method: "subscribe", type: "trade", symbols: ["btc_krw", "1inch_krw"] },
    ]);
  });

  it("asks for nothing when there is no market", () => {
    expect(feed.subscribe([])).toEqual([]);
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

  it("is read with what is stopped, and fetched without it", async () => {
    const list = body(row("btc_krw"), row("old_krw", "stopped"));
    expect(readMarkets(JSON.stringify(list))).toMatchObject([{ status: "launched" }, { status: "stopped" }]);
    const markets = await korbit.markets(await serve(200, list), AbortSignal.timeout(10_000));
    expect(markets).toMatchObject([{ instrument: "korbit:BTC-KRW", nativeSymbol: "btc_krw" }]);
  });

  it("is not taken from an error", async () => {
    const restUrl = await serve(429, body());
    await expect(korbit.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow("answered 429");
  });
});

/** A server that answers Korbit's path with `answer`; its address. */
async function serve(status: number, answer: unknown): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/v2/currencyPairs" ? status : 404);
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

it("is registered", () => {
  expect(findReadable("korbit")).toBe(korbit);
});

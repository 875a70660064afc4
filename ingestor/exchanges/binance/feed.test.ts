import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { findReadable } from "../index.ts";
import { feed, MARKETS_PER_CONNECTION, readMarkets } from "./feed.ts";
import { binance } from "./index.ts";

const row = (baseAsset: string, quoteAsset: string, status = "TRADING") => ({
  ...{ symbol: baseAsset + quoteAsset, status, baseAsset, quoteAsset },
  permissions: ["SPOT"],
});
const marketsOf = (...symbols: object[]) => readMarkets(JSON.stringify({ timezone: "UTC", symbols }));

describe("subscribing", () => {
  it("asks for trades and ticker of each market, in lower case", () => {
    expect(feed.subscribe(marketsOf(row("BTC", "USDT"), row("币安人生", "USDT")))).toEqual([
      '{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@ticker","币安人生usdt@trade","币安人生usdt@ticker"],"id":1}',
    ]);
    expect(feed.subscribe([])).toEqual([]);
  });

  it("fills a connection within 1024 streams, 200 a request, and the 4 requests of one second", () => {
    const markets = marketsOf(...Array.from({ length: MARKETS_PER_CONNECTION }, (_, index) => row(`C${index}`, "BTC")));
    const requests = feed.subscribe(markets).map((frame) => JSON.parse(frame));
    expect(requests.map(({ id, params }) => [id, params.length])).toEqual([1, 2, 3, 4].map((id) => [id, 200]));
    const streams = new Set(requests.flatMap(({ params }) => params));
    expect(streams.size).toBe(2 * MARKETS_PER_CONNECTION);
    expect(streams).toContain("c399btc@ticker");
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

  it("is fetched without what is not traded", async () => {
    const restUrl = await serve(200, { symbols: [row("BTC", "USDT"), row("BTC", "PAX", "BREAK")] });
    expect(await binance.markets(restUrl, AbortSignal.timeout(10_000))).toMatchObject([{ nativeSymbol: "BTCUSDT" }]);
  });

  it("is not taken from an error", async () => {
    const restUrl = await serve(451, { symbols: [] });
    await expect(binance.markets(restUrl, AbortSignal.timeout(10_000))).rejects.toThrow("answered 451");
  });
});

/** A server that answers Binance's path with `body`; its address. */
async function serve(status: number, body: unknown): Promise<string> {
  const path = "/api/v3/exchangeInfo?permissions=SPOT&showPermissionSets=false&symbolStatus=TRADING";
  const server = createServer((request, response) => {
    response.writeHead(request.url === path ? status : 404);
    response.end(JSON.stringify(body));
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
  expect(findReadable("binance")).toBe(binance);
});

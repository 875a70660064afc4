/** What no route has to itself: the problems of all of them, and the way of one instrument through them. */

import { env, listDurableObjectIds, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ticker, trade } from "../durable-objects/testing/test-events.ts";
import { TestPusher } from "../durable-objects/testing/test-feed.ts";
import { openClient, openPublisher, upgrade } from "../durable-objects/testing/test-socket.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { restTicker, tradesBody } from "../protocol/rest.ts";
import { expectProblem, get, HOST, list, market, put, TOKEN } from "./testing/requests.ts";

it("is reachable from any page", async () => {
  const preflight = await SELF.fetch(`${HOST}/v1/tickers`, {
    method: "OPTIONS",
    headers: { Origin: "https://a.test", "Access-Control-Request-Method": "GET" },
  });
  expect(preflight.status).toBe(204);
  for (const response of [preflight, await get("/v1/info"), await get("/nothing")]) {
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  }
});

describe("problems", () => {
  it.each([
    ["/nothing", 404, "not_found", "/nothing"],
    ["/v1/exchanges?x=1", 400, "bad_request", '"x"'],
    ["/v1/markets?exhange=upbit", 400, "bad_request", '"exhange"'],
    ["/v1/markets?exchange=Upbit", 400, "bad_request", "did you mean upbit"],
    ["/v1/markets?exchange=__proto__", 400, "bad_request", "not an exchange"],
    ["/v1/markets?base=btc", 400, "bad_request", "upper case"],
    ["/v1/tickers?limit=3", 400, "bad_request", '"limit"'],
    ["/v1/tickers/upbit/BTC-KRW?x=1", 400, "bad_request", '"x"'],
    ["/v1/info?x=1", 400, "bad_request", '"x"'],
    ["/v1/health?x=1", 400, "bad_request", '"x"'],
    ["/v1/tickers/upbit/KRW-BTC", 400, "bad_request", "did you mean BTC-KRW"],
    ["/v1/trades/upbit/KRW-BTC", 400, "bad_request", "did you mean BTC-KRW"],
    ["/v1/tickers/upbit/btc_krw", 400, "bad_request", "did you mean BTC-KRW"],
    ["/v1/tickers/upbit/NOPE-KRW", 404, "unknown_instrument", "upbit:NOPE-KRW"],
    ["/v1/tickers/constructor/A-B", 404, "unknown_instrument", "constructor:A-B"],
    ["/v1/tickers/__proto__/A-B", 400, "bad_request", "__proto__"],
    ["/v1/tickers/upbit/%E0%A4%A", 400, "bad_request", "not a symbol"],
    ["/v1/tickers/upbit/%2e%2e%2fx", 400, "bad_request", "not a symbol"],
    ["/v1/trades/upbit/BTC-KRW?limit=0", 400, "bad_request", '"limit"'],
    ["/v1/trades/upbit/BTC-KRW?limit=1001", 400, "bad_request", '"limit"'],
    ["/v1/trades/upbit/BTC-KRW?limit=1.5", 400, "bad_request", "whole number"],
    ["/v1/trades/upbit/BTC-KRW?limit=x", 400, "bad_request", '"limit"'],
    ["/v1/trades/upbit/BTC-KRW?limit=0x10", 400, "bad_request", "whole number"],
    ["/v1/trades/upbit/BTC-KRW?limit=1e3", 400, "bad_request", "whole number"],
    ["/v1/trades/upbit/BTC-KRW?limit=", 400, "bad_request", "whole number"],
    ["/v1/trades/upbit/BTC-KRW?limit=1&limit=2", 400, "bad_request", '"limit"'],
    ["/docs?url=https://evil.test/api.json", 400, "bad_request", '"url"'],
    ["/docs/index.html", 404, "not_found", "/docs/index.html"],
    ["/docs/package.json", 404, "not_found", "/docs/package.json"],
    ["/swagger-ui.css", 404, "not_found", "/swagger-ui.css"],
    ["/v1/stream/upbit/BTC-KRW", 400, "bad_request", "WebSocket"],
  ])("%s: %i %s", async (path, status, code, detail) => {
    await expectProblem(await get(path), status, code, detail);
  });

  it.each([
    ["POST", "/v1/markets", "GET, HEAD"],
    ["POST", "/v1/tickers/upbit/BTC-KRW", "GET, HEAD"],
    ["DELETE", "/v1/trades/upbit/BTC-KRW", "GET, HEAD"],
    ["PUT", "/v1/stream/upbit/BTC-KRW", "GET, HEAD"],
    ["POST", "/openapi.json", "GET, HEAD"],
    ["POST", "/docs", "GET, HEAD"],
    ["POST", "/v1/ingest/upbit/markets", "GET, HEAD, PUT"],
    ["PUT", "/v1/ingest/upbit/lease", "DELETE, GET, HEAD, POST"],
  ])("%s %s: 405, allowed are %s", async (method, path, allow) => {
    const response = await SELF.fetch(`${HOST}${path}`, { method, headers: TOKEN });
    expect(response.headers.get("Allow")).toBe(allow);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    await expectProblem(response, 405, "method_not_allowed", method);
  });

  it("does not call a method wrong where there is nothing, or where it is right", async () => {
    const nowhere = await SELF.fetch(`${HOST}/nothing`, { method: "POST" });
    expect(nowhere.headers.get("Allow")).toBeNull();
    await expectProblem(nowhere, 404, "not_found");
    expect((await SELF.fetch(`${HOST}/v1/markets`, { method: "HEAD" })).status).toBe(200);
    await expectProblem(await get("/v1/tickers/upbit/NOPE-KRW"), 404, "unknown_instrument");
  });

  it("wakes no object for an instrument that is not listed", async () => {
    await get("/v1/tickers/upbit/GHOST-KRW");
    await get("/v1/trades/upbit/GHOST-KRW");
    const ghost = env.SYMBOL_FEED.idFromName("upbit:GHOST-KRW");
    expect((await listDurableObjectIds(env.SYMBOL_FEED)).some((id) => id.equals(ghost))).toBe(false);
  });

  it("names the one that was meant where it is listed", async () => {
    await put("/v1/ingest/binance/markets", { markets: [market("binance", "BTC", "TUSD")] });
    await expectProblem(await get("/v1/tickers/binance/TUSD-BTC"), 404, "unknown_instrument", "binance:BTC-TUSD?");
  });
});

describe("one instrument", () => {
  it("goes from the publisher to a client, to the ticker and the trades, by a percent-encoded name too", async () => {
    await list("upbit", "币安人生");
    const path = `upbit/${encodeURIComponent("币安人生-KRW")}`;
    const instrument = "upbit:币安人生-KRW";
    const socket = await openPublisher(SELF, `${HOST}/v1/ingest/${path}`, TOKEN);
    const pusher = new TestPusher(socket, "e1", []);
    await socket.next("ready");
    const client = await openClient(SELF, `${HOST}/v1/stream/${path}?channel=ticker,trade&rate=raw`);
    expect(await client.next("welcome")).toMatchObject({ region: "local", limits: LIMITS });
    const { streams } = await client.next("subscribed");
    expect(streams.map(({ stream }) => stream)).toEqual([`${instrument}@ticker@raw`, `${instrument}@trade@raw`]);
    pusher.push([ticker(2, instrument), trade(3, instrument)]);
    expect((await client.next("data")).data.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(restTicker.parse(await (await get(`/v1/tickers/${path}`)).json())).toMatchObject({ epoch: "e1", seq: 2 });
    const trades = tradesBody.parse(await (await get(`/v1/trades/${path}?limit=1`)).json());
    expect(trades).toMatchObject({ instrument, epoch: "e1", seq: 3, trades: [{ id: "t3" }] });
  });

  it.each([
    ["/v1/stream/upbit/NOPE-KRW", {}, 4204, "unknown_instrument"],
    ["/v1/stream/upbit/KRW-BTC", {}, 4200, "bad_request"],
    ["/v1/stream/__proto__/BTC-KRW", {}, 4200, "bad_request"],
    ["/v1/stream/upbit/STR-KRW?channel=depth", {}, 4204, "unknown_stream"],
    ["/v1/stream/upbit/STR-KRW?channel=", {}, 4204, "unknown_stream"],
    ["/v1/stream/upbit/STR-KRW?channel=trade&rate=5s", {}, 4200, "bad_request"],
    ["/v1/stream/upbit/STR-KRW?publish=1", {}, 4200, "bad_request"],
    ["/v1/ingest/upbit/STR-KRW", {}, 4201, "unauthorized"],
    ["/v1/ingest/upbit/STR-KRW", { Authorization: "Bearer wrong" }, 4201, "unauthorized"],
    ["/v1/ingest/upbit/NOPE-KRW", TOKEN, 4204, "unknown_instrument"],
    ["/v1/ingest/UPBIT/STR-KRW", TOKEN, 4200, "bad_request"],
    ["/v1/ingest/upbit/*-KRW", TOKEN, 4200, "bad_request"],
    ["/v1/ingest/upbit/partitions/0", {}, 4201, "unauthorized"],
    ["/v1/ingest/UPBIT/partitions/0", TOKEN, 4200, "bad_request"],
    ["/v1/ingest/upbit/partitions/x", TOKEN, 4200, "bad_request"],
    ["/v1/ingest/upbit/partitions/01", TOKEN, 4200, "bad_request"],
  ])("accepts a socket to %s only to refuse it with %j: %i %s", async (path, headers, close, code) => {
    await list("upbit", "STR");
    const ws = await upgrade(SELF, `${HOST}${path}`, headers);
    const said: ServerFrame[] = [];
    ws.addEventListener("message", ({ data }) => said.push(JSON.parse(String(data))));
    const closed = new Promise<CloseEvent>((resolve) => ws.addEventListener("close", resolve));
    ws.accept();
    expect((await closed).code).toBe(close);
    expect(said).toMatchObject([{ op: "error", code, retryable: false }]);
  });

  it("opens a socket however the word WebSocket is written", async () => {
    await list("upbit", "STR");
    for (const [path, headers] of [
      ["/v1/stream/upbit/STR-KRW", {}],
      ["/v1/ingest/upbit/STR-KRW", TOKEN],
    ] as const) {
      const response = await get(path, { ...headers, Upgrade: "WebSocket" });
      expect(response.status).toBe(101);
      response.webSocket?.accept();
      response.webSocket?.close(1000);
    }
  });
});

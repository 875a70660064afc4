import { env, listDurableObjectIds, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { figures, ticker, trade } from "../durable-objects/testing/test-events.ts";
import { TestPusher } from "../durable-objects/testing/test-feed.ts";
import { openClient, openPartitionPublisher, openPublisher, upgrade } from "../durable-objects/testing/test-socket.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/frames.ts";
import type { IngestReport, LatestTicker, Market } from "../protocol/ingest.ts";
import { createPartitioner } from "../protocol/partition.ts";
import { infoBody, marketsBody, problem, restTicker, tickersBody, tradesBody } from "../protocol/rest.ts";

const HOST = "https://tickcast.test";
const TOKEN = { Authorization: `Bearer ${env.INGEST_TOKEN}` };

function get(path: string, headers = {}): Promise<Response> {
  return SELF.fetch(`${HOST}${path}`, { headers });
}

function put(path: string, body: unknown, headers: Record<string, string> = TOKEN): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return SELF.fetch(`${HOST}${path}`, { method: "PUT", headers, body: text });
}

function market(exchange: string, base: string, quote = "KRW"): Market {
  return {
    instrument: `${exchange}:${base}-${quote}`,
    exchange,
    base,
    quote,
    nativeSymbol: `${quote}-${base}`,
    names: { ko: null, en: base },
    status: "active",
    warning: null,
  };
}

function report(over: Partial<IngestReport> = {}, state: "live" | "stale" | "down" = "live"): IngestReport {
  const now = Date.now();
  return {
    status: { state, source: "simulated", since: now, asOf: now },
    kafka: "absent",
    lastEventTime: now,
    term: 0,
    hints: [],
    ...over,
  };
}

/** The newest ticker of an instrument, as a pusher tells it. */
function latest(instrument: string, seq: number, epoch = "e1"): LatestTicker {
  const t = { exchange: 1, received: 1, logged: 1 };
  return { instrument, epoch, seq, source: "live", ticker: figures(String(seq), seq), t };
}

async function expectProblem(response: Response, status: number, code: string, detail = ""): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  const body = problem.parse(await response.json());
  expect(body).toMatchObject({ status, code });
  expect(body.detail).toContain(detail);
}

async function list(exchange: string, ...bases: string[]): Promise<void> {
  const markets = bases.map((base) => market(exchange, base));
  expect((await put(`/v1/ingest/${exchange}/markets`, { markets })).status).toBe(204);
}

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

describe("lists", () => {
  it("shows markets at once after they were put, by filter, with an ETag", async () => {
    await list("korbit", "BTC", "ETH", "币安人生");
    const response = await get("/v1/markets?exchange=korbit&base=ETH,币安人生");
    const { markets } = marketsBody.parse(await response.json());
    expect(markets.map(({ base }) => base)).toEqual(["ETH", "币安人生"]);
    const etag = response.headers.get("ETag") ?? "";
    expect(etag).not.toBe("");
    const again = await get("/v1/markets?exchange=korbit&base=ETH,币安人生", { "If-None-Match": etag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    await list("korbit", "BTC");
    const { markets: fewer } = marketsBody.parse(await (await get("/v1/markets?exchange=korbit")).json());
    expect(fewer).toHaveLength(1);
  });

  it("shows every market's ticker, null where there is none yet", async () => {
    await list("bithumb", "AAA", "BBB");
    expect((await put("/v1/ingest/bithumb/report", report({ partitions: 1 }))).status).toBe(200);
    const ws = await openPartitionPublisher(SELF, `${HOST}/v1/ingest/bithumb/partitions/0`, TOKEN);
    const one = latest("bithumb:AAA-KRW", 5);
    ws.send({ op: "tickers", epoch: "e1", from: 0, through: 7, tickers: [one], asOf: Date.now(), more: false });
    const { tickers } = tickersBody.parse(await (await get("/v1/tickers?exchange=bithumb")).json());
    const nothing = { instrument: "bithumb:BBB-KRW", epoch: null, seq: null, source: null, ticker: null, t: null };
    expect(tickers).toEqual([one, nothing]);
    expect(restTicker.parse(await (await get("/v1/tickers/bithumb/AAA-KRW")).json())).toEqual(one);
    expect(restTicker.parse(await (await get("/v1/tickers/bithumb/BBB-KRW")).json()).ticker).toBeNull();
  });
});

describe("a list", () => {
  it("asks the partitions that its instruments are in, and goes with a log that has another number of them", async () => {
    const bases = ["AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH"];
    await list("korbit", ...bases);
    const names = bases.map((base) => `korbit:${base}-KRW`);
    const shown = async (query: string) => {
      const { tickers } = tickersBody.parse(await (await get(`/v1/tickers?exchange=korbit${query}`)).json());
      return tickers.map(({ instrument, epoch, seq }) => [instrument, epoch, seq]);
    };
    const fill = async (partitions: number, epoch: string) => {
      const partitionOf = createPartitioner(partitions);
      expect((await put("/v1/ingest/korbit/report", report({ partitions }))).status).toBe(200);
      for (let partition = 0; partition < partitions; partition += 1) {
        const url = `${HOST}/v1/ingest/korbit/partitions/${partition}`;
        const ws = await openPartitionPublisher(SELF, url, TOKEN);
        const tickers = names.filter((name) => partitionOf(name) === partition).map((name) => latest(name, 5, epoch));
        ws.send({ op: "tickers", epoch, from: 0, through: 7, tickers, asOf: Date.now(), more: false });
      }
    };
    await fill(4, "e1");
    expect(await shown("")).toEqual(names.map((name) => [name, "e1", 5]));
    await fill(3, "e2");
    expect(await shown("")).toEqual(names.map((name) => [name, "e2", 5]));
    expect(await shown("&base=BB,DD")).toEqual([
      ["korbit:BB-KRW", "e2", 5],
      ["korbit:DD-KRW", "e2", 5],
    ]);
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

describe("ingest", () => {
  it.each([
    {},
    { Authorization: "Bearer wrong" },
    { Authorization: "Bearer " },
    { Authorization: env.INGEST_TOKEN ?? "" },
  ])("refuses %j", async (headers: Record<string, string>) => {
    const response = await put("/v1/ingest/upbit/markets", { markets: [] }, headers);
    expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
    await expectProblem(response, 401, "unauthorized");
  });

  it("takes no list for an exchange that it is not of", async () => {
    await list("upbit", "OLD");
    const strangers = [market("upbit", "NEW"), market("binance", "BTC", "USDT")];
    const response = await put("/v1/ingest/upbit/markets", { markets: strangers });
    await expectProblem(response, 400, "bad_request", '"binance:BTC-USDT"');
    const { markets } = marketsBody.parse(await (await get("/v1/markets?exchange=upbit")).json());
    expect(markets.map(({ base }) => base)).toEqual(["OLD"]);
  });

  it("names what is wrong with a body", async () => {
    await expectProblem(await put("/v1/ingest/upbit/markets", "{"), 400, "bad_request", "not JSON");
    await expectProblem(await put("/v1/ingest/upbit/markets", { markets: [{}] }), 400, "bad_request", "markets.0");
    await expectProblem(await put("/v1/ingest/upbit/report", {}), 400, "bad_request", "status");
    await expectProblem(await put("/v1/ingest/UPBIT/report", report()), 400, "bad_request", "upbit");
    await expectProblem(await get("/v1/ingest/upbit/BTC-KRW", TOKEN), 400, "bad_request", "WebSocket");
  });
});

describe("service", () => {
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

  it("says what a client needs to know", async () => {
    const info = infoBody.parse(await (await get("/v1/info")).json());
    expect(info).toMatchObject({
      name: "tickcast",
      limits: LIMITS,
      mode: "direct",
      endpoints: { stream: "wss://tickcast.test/v1/stream", rest: `${HOST}/v1` },
    });
  });

  it("sends nobody to a host that only the request names", async () => {
    const text = await (await SELF.fetch("https://evil.test/v1/info")).text();
    expect(text).not.toContain("evil");
    expect(infoBody.parse(JSON.parse(text)).endpoints.rest).toBe(`${HOST}/v1`);
  });

  it("describes every route in valid OpenAPI 3.1", async () => {
    const api: OpenApi = await (await get("/openapi.json")).json();
    expect(api.openapi).toBe("3.1.0");
    expect(api.paths["/v1/trades/{exchange}/{symbol}"]?.["get"]?.parameters).toContainEqual({
      in: "query",
      name: "limit",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 1000, default: 100, example: 100 },
    });
    expect(
      Object.entries(api.paths)
        .map(([path, methods]) => `${Object.keys(methods).sort()} ${path}`)
        .sort(),
    ).toEqual([
      "delete /v1/registrations/{exchange}/{symbol}",
      "get /v1/exchanges",
      "get /v1/health",
      "get /v1/info",
      "get /v1/markets",
      "get /v1/tickers",
      "get /v1/tickers/{exchange}/{symbol}",
      "get /v1/trades/{exchange}/{symbol}",
      "get,post /v1/registrations",
      "post /v1/admin/drain",
    ]);
    for (const [path, methods] of Object.entries(api.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(methods)) {
        const described = (operation.parameters ?? []).filter((one) => one.in === "path");
        expect(described.map(({ name, required }) => [name, required])).toEqual(named.map((name) => [name, true]));
        expect(Object.keys(operation.responses)).toEqual(
          expect.arrayContaining([expect.stringMatching(/^20[024]$/), "default"]),
        );
        for (const { description } of Object.values(operation.responses)) expect(description).toBeTypeOf("string");
        for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
          expect(api.components.securitySchemes).toHaveProperty(scheme);
        }
      }
    }
    expect(JSON.stringify(api)).not.toContain('"nullable"');
  });

  it("has a page for people", async () => {
    const page = await get("/docs");
    expect(page.headers.get("Content-Type")).toContain("text/html");
    const policy = page.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, file = ""]) => file);
    expect(files).toContain("/docs/start.js");
    for (const file of files) {
      expect(file).toMatch(/^\/docs\//);
      const response = await get(file);
      expect([response.status, response.headers.get("X-Content-Type-Options")]).toEqual([200, "nosniff"]);
      expect(response.headers.get("Content-Type")).toMatch(/^(text\/javascript|text\/css|image\/png)/);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
    expect(await (await get("/docs/start.js")).text()).toContain("/openapi.json");
  });

  it("sends a file of the page only to who does not have it", async () => {
    const etag = (await get("/docs/swagger-ui.css")).headers.get("ETag") ?? "";
    expect((await get("/docs/swagger-ui.css", { "If-None-Match": etag })).status).toBe(304);
  });
});

interface Operation {
  readonly parameters?: readonly { in: string; name: string; required?: boolean }[];
  readonly responses: Record<string, { readonly description: string }>;
  readonly security?: readonly Record<string, readonly string[]>[];
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly securitySchemes: object };
}

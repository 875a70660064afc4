/** The operator's routes, and what the ingestor is told of them. */

import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { openClient, openPublisher } from "../../durable-objects/testing/test-socket.ts";
import { drainOrder, type IngestReport, type Market, reportAnswer } from "../../protocol/ingest.ts";
import { marketsBody, problem, registrationsBody, tickersBody } from "../../protocol/rest.ts";
import { app } from "../app.ts";

const HOST = "https://tickcast.test";
const ADMIN = { Authorization: "Bearer test-admin-token" };
const INGEST = { Authorization: `Bearer ${env.INGEST_TOKEN}` };
const REPORT: IngestReport = {
  status: { state: "live", source: "simulated", since: 1, asOf: 1 },
  kafka: "absent",
  lastEventTime: null,
  term: 0,
  hints: [],
};

async function call(method: string, path: string, body?: unknown, headers: object = ADMIN): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const init = { method, headers: { ...headers }, ...(text === undefined ? {} : { body: text }) };
  return app.fetch(new Request(`${HOST}${path}`, init), { ...env, ADMIN_TOKEN: "test-admin-token" });
}

async function expectProblem(response: Response, status: number, code: string, detail: string): Promise<void> {
  const body = problem.parse(await response.json());
  expect({ ...body, detail: body.detail.includes(detail) || body.detail }).toMatchObject({
    status,
    code,
    detail: true,
  });
  expect(response.status).toBe(status);
}

function market(symbol: string): Market {
  const [base = "", quote = ""] = symbol.split("-");
  const names = { ko: null, en: null };
  const market = { instrument: `upbit:${symbol}`, exchange: "upbit", base, quote, nativeSymbol: symbol };
  return { ...market, names, status: null, warning: null };
}

const rules = async () => registrationsBody.parse(await (await call("GET", "/v1/registrations")).json()).registrations;
const collect = (symbol: string) => call("POST", "/v1/registrations", { exchange: "upbit", symbol });
const drop = (symbol: string) => call("DELETE", `/v1/registrations/upbit/${symbol}`);
const report = async () =>
  reportAnswer.parse(await (await call("PUT", "/v1/ingest/upbit/report", REPORT, INGEST)).json());
const shown = async () =>
  marketsBody
    .parse(await (await call("GET", "/v1/markets?exchange=upbit")).json())
    .markets.map(({ instrument }) => instrument);

beforeEach(async () => {
  const markets = ["BTC-KRW", "ETH-KRW", "ETH-BTC", "币安人生-KRW"].map(market);
  expect((await call("PUT", "/v1/ingest/upbit/markets", { markets }, INGEST)).status).toBe(204);
  expect((await collect("*-*")).status).toBe(200);
});

describe("registrations", () => {
  it("collects everything until it is told otherwise", async () => {
    expect(await (await call("GET", "/v1/registrations")).json()).toEqual({ registrations: [], default: "all" });
    expect(await shown()).toHaveLength(4);
  });

  it("shows at once, in every list, only what is collected", async () => {
    expect((await drop("*-KRW")).status).toBe(204);
    const answer = await collect("BTC-KRW");
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { exchange: "upbit", symbol: "BTC-KRW", collected: true },
    ]);
    expect(await shown()).toEqual(["upbit:BTC-KRW", "upbit:ETH-BTC"]);
    const { tickers } = tickersBody.parse(await (await call("GET", "/v1/tickers?exchange=upbit")).json());
    expect(tickers.map(({ instrument }) => instrument)).toEqual(["upbit:BTC-KRW", "upbit:ETH-BTC"]);
    await expectProblem(await call("GET", "/v1/tickers/upbit/ETH-KRW"), 404, "unknown_instrument", "upbit:ETH-KRW");
    expect((await call("GET", "/v1/tickers/upbit/BTC-KRW")).status).toBe(200);
    await collect("*-KRW");
    expect(await shown()).toHaveLength(4);
  });

  it("opens no socket of what is not collected, neither to clients nor to the ingestor", async () => {
    await drop("ETH-KRW");
    const to = {
      fetch: (url: string, init: RequestInit) => call("GET", url.slice(HOST.length), undefined, { ...init.headers }),
    };
    const client = await openClient(to, `${HOST}/v1/stream/upbit/ETH-KRW?channel=trade`);
    expect(await client.next("error")).toMatchObject({ code: "unknown_instrument" });
    expect((await client.closed).code).toBe(4204);
    await collect("ETH-KRW");
    const publisher = await openPublisher(to, `${HOST}/v1/ingest/upbit/ETH-KRW`, INGEST);
    expect(await publisher.next("ready")).toMatchObject({ rates: [] });
  });

  it("says the same however often it is asked the same", async () => {
    for (let i = 0; i < 2; i += 1) {
      expect((await drop("%2A-BTC")).status).toBe(204);
      expect((await drop(encodeURIComponent("币安人生-KRW"))).status).toBe(204);
      expect((await collect("ETH-KRW")).status).toBe(200);
    }
    expect(await rules()).toEqual([
      { exchange: "upbit", symbol: "*-BTC", collected: false },
      { exchange: "upbit", symbol: "币安人生-KRW", collected: false },
    ]);
  });

  it("tells the ingestor with the answer to its report", async () => {
    await drop("*-BTC");
    expect(await report()).toMatchObject({ registrations: [{ symbol: "*-BTC", collected: false }] });
  });

  it.each([
    ["NOPE-KRW", 404, "unknown_instrument", "there is no upbit:NOPE-KRW"],
    ["BTC-ETH", 404, "unknown_instrument", "did you mean upbit:ETH-BTC?"],
    ["*-USDT", 404, "unknown_instrument", "its quotes are BTC, KRW"],
    ["KRW-BTC", 400, "bad_request", "did you mean BTC-KRW?"],
    ["BTC-*", 400, "bad_request", "*-QUOTE for a quote market"],
    ["*-krw", 400, "bad_request", "did you mean *-KRW?"],
  ])("refuses %s: %i", async (symbol, status, code, detail) => {
    await expectProblem(await collect(symbol), status, code, detail);
    await expectProblem(await drop(symbol), status, code, detail);
    expect(await rules()).toEqual([]);
  });

  it.each([
    ["{", "not JSON"],
    ["[]", "the body"],
    [{ exchange: "upbit" }, '"symbol"'],
    [{ exchange: 1, symbol: "*-*" }, '"exchange"'],
    [{ exchange: "Upbit", symbol: "*-*" }, "did you mean upbit?"],
    [{ exchange: "upbit", symbol: "*-*", collected: false }, 'no field "collected"'],
    [undefined, '"exchange"'],
  ])("says what is wrong with the body %j", async (body, detail) => {
    await expectProblem(await call("POST", "/v1/registrations", body), 400, "bad_request", detail);
  });

  it("names an exchange that nobody has listed, and those that are", async () => {
    const unknown = { exchange: "bithum", symbol: "*-*" };
    await expectProblem(await call("POST", "/v1/registrations", unknown), 404, "unknown_instrument", "known are upbit");
  });
});

describe("a drain", () => {
  it("is passed on to whoever reports next", async () => {
    const answer = await call("POST", "/v1/admin/drain", { within: 2000 });
    const order = drainOrder.parse(await answer.json());
    expect([answer.status, order.within]).toEqual([202, 2000]);
    expect((await report()).drain).toEqual(order);
  });

  it("takes 5 s when nothing is said, and from 1 s to a minute", async () => {
    expect(await (await call("POST", "/v1/admin/drain")).json()).toMatchObject({ within: 5000 });
    for (const within of [999, 60_001, 1.5, "x"]) {
      await expectProblem(await call("POST", "/v1/admin/drain", { within }), 400, "bad_request", '"within"');
    }
    await expectProblem(await call("POST", "/v1/admin/drain", { wihtin: 1 }), 400, "bad_request", '"wihtin"');
  });
});

describe("the operator's routes", () => {
  const ROUTES = [
    ["GET", "/v1/registrations"],
    ["POST", "/v1/registrations"],
    ["DELETE", "/v1/registrations/upbit/BTC-KRW"],
    ["POST", "/v1/admin/drain"],
  ] as const;

  it.each(ROUTES)("%s %s needs the operator's own token", async (method, path) => {
    for (const [headers, detail] of [
      [{}, "ADMIN_TOKEN"],
      [{ Authorization: "Basic x" }, "ADMIN_TOKEN"],
      [{ Authorization: "Bearer wrong" }, "not the right token"],
      [INGEST, "not the right token"],
    ] as const) {
      const response = await call(method, path, undefined, headers);
      expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
      await expectProblem(response, 401, "unauthorized", detail);
    }
    const closed = await app.fetch(new Request(`${HOST}${path}`, { method, headers: ADMIN }), env);
    await expectProblem(closed, 401, "unauthorized", "wrangler secret put ADMIN_TOKEN");
  });

  it.each(ROUTES)("%s %s takes no query", async (method, path) => {
    await expectProblem(await call(method, `${path}?force=1`), 400, "bad_request", '"force"');
  });
});

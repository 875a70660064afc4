import { env, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { leaseAnswer } from "../../protocol/ingest.ts";
import { marketsBody, problem } from "../../protocol/rest.ts";
import { expectProblem, get, HOST, list, market, put, report, TOKEN } from "../testing/requests.ts";

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

const lease = (method: string, query: string, body?: object, headers: Record<string, string> = TOKEN) =>
  SELF.fetch(`${HOST}/v1/ingest/upbit/lease${query}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const hold = async (holder: string, term = 0) =>
  leaseAnswer.parse(await (await lease("POST", "", { holder, term, ttl: 10_000 })).json());

it("gives the lease of an exchange to one, until that gives it back", async () => {
  expect(await hold("a b/ü")).toEqual({ granted: true, term: 1, holder: "a b/ü", freeIn: 10_000 });
  expect(await hold("c")).toMatchObject({ granted: false, term: 1, holder: "a b/ü" });
  const back = await lease("DELETE", `?holder=${encodeURIComponent("a b/ü")}`);
  expect([back.status, await back.text()]).toEqual([204, ""]);
  expect(await hold("c")).toMatchObject({ granted: true, term: 2, holder: "c" });
});

it.each([
  [{ term: 0, ttl: 5000 }, "holder"],
  [{ holder: "", term: 0, ttl: 5000 }, "holder"],
  [{ holder: "x".repeat(101), term: 0, ttl: 5000 }, "holder"],
  [{ holder: "a", term: -1, ttl: 5000 }, "term"],
  [{ holder: "a", term: 0, ttl: 999 }, "ttl"],
  [{ holder: "a", term: 0, ttl: 60_001 }, "ttl"],
])("refuses the request %j for its %s", async (body, field) => {
  const response = await lease("POST", "", body);
  expect(response.status).toBe(400);
  expect(problem.parse(await response.json()).detail).toContain(`"${field}"`);
});

it("gives nothing back for nobody", async () => {
  for (const query of ["", "?holder="]) expect((await lease("DELETE", query)).status).toBe(400);
});

it("is for the ingestor alone", async () => {
  expect((await lease("POST", "", { holder: "a", term: 0, ttl: 5000 }, {})).status).toBe(401);
  expect((await lease("DELETE", "?holder=a", undefined, { Authorization: "Bearer wrong" })).status).toBe(401);
});
